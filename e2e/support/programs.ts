// What `cargo xtask test` found or started for single tests, beside the server and the browser.
import { given } from './place';

/** A PostgreSQL database that is empty when the tests begin. */
export const DATABASE_URL = given('MFTPLUS_TEST_DATABASE_URL');
/** The program that tests start, kill and start again. */
export const REDIS_SERVER = given('MFTPLUS_TEST_REDIS_SERVER');
/** The OpenSSH server, by the path by which it starts itself again. */
export const SSHD = given('MFTPLUS_TEST_SSHD');
/** The root of the unpacked packages of FTP servers. It is missing where this machine has the servers installed. */
export const FTP_SERVERS = given('MFTPLUS_TEST_FTP_SERVERS');
/** The folder of Python's programs, with what `requirements.txt` names. */
export const PYTHON = given('MFTPLUS_TEST_PYTHON');
