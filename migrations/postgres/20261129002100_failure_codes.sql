-- The code of the reason for a transfer's failure, as its agent reported it.
ALTER TABLE transfers ADD COLUMN error_code TEXT;
