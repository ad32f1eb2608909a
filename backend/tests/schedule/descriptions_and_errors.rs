//! The texts of schedules: descriptions in plain English, and error messages.

use std::fmt::Write;

use backend::model::schedule::Schedule;

#[test]
fn descriptions_read_well() {
    let texts = [
        ("* * * * *", "Asia/Tokyo"),
        ("*/15 * * * *", "Europe/Paris"),
        ("0-59/20 * * * *", "UTC"),
        ("*/7 * * * *", "UTC"),
        ("*/90 * * * *", "UTC"),
        ("1 * * * *", "UTC"),
        ("5,35 * * * *", "UTC"),
        ("1-59/2 * * * *", "UTC"),
        ("10-20 * * * *", "UTC"),
        ("@hourly", "Asia/Kolkata"),
        ("@daily", "Africa/Johannesburg"),
        ("@midnight", "Pacific/Auckland"),
        ("@weekly", "UTC"),
        ("@monthly", "UTC"),
        ("@yearly", "UTC"),
        ("@annually", "UTC"),
        ("0 2 * * *", "Africa/Johannesburg"),
        ("0 9,12,15 * * *", "UTC"),
        ("0,30 9-11 * * *", "UTC"),
        ("0 */2 * * *", "UTC"),
        ("15 */6 * * *", "UTC"),
        ("30 8-18 * * *", "UTC"),
        ("* 2 * * *", "UTC"),
        ("* 9-17 * * *", "UTC"),
        ("*/5 9 * * *", "UTC"),
        ("*/15 9-17 * * mon-fri", "Europe/London"),
        ("5-55/10 9-17 * * *", "UTC"),
        ("10-20 9-17 * * *", "UTC"),
        ("*/15 1,3,7-9 * * *", "UTC"),
        ("7 0,1,5,6,12,13,20 * * *", "UTC"),
        ("30 9 * * 1-5", "Europe/Berlin"),
        ("30 9 * * 0-6", "Europe/Berlin"),
        ("0 12 * * 6,7", "UTC"),
        ("0 12 * * sun", "UTC"),
        ("0 12 * * 5-7", "UTC"),
        ("0 12 * * mon,wed,fri", "UTC"),
        ("0 0 1 * *", "UTC"),
        ("0 0 1,15 * *", "UTC"),
        ("0 0 1-7 * *", "UTC"),
        ("0 0 31 * *", "UTC"),
        ("0 0 */2 * *", "UTC"),
        ("0 0 */10 * *", "UTC"),
        ("0 0 13 * 5", "UTC"),
        ("0 0 1-31 * 1", "UTC"),
        ("0 0 */2 * 1", "UTC"),
        ("0 0 1-7 * */7", "UTC"),
        ("0 0 13 6,12 fri", "UTC"),
        ("0 0 * 6-8 *", "UTC"),
        ("*/10 * * dec *", "UTC"),
        ("*/10 * * * sat,sun", "UTC"),
        ("5 4 1 jan,jul *", "UTC"),
        ("0 0 25 12 *", "UTC"),
        ("0 0 29 2 *", "UTC"),
        ("0 0 29 2 */7", "UTC"),
        ("0 0 30 2,4 *", "UTC"),
        ("0 7 * 1,3,5,7,9,11 1", "UTC"),
    ];
    let mut table = String::new();
    for (text, timezone) in texts {
        let schedule = Schedule::parse(text, timezone).expect("a schedule");
        assert_eq!((schedule.text(), schedule.timezone()), (text, timezone));
        writeln!(table, "{text:26} {}", schedule.describe()).expect("a string takes all");
    }
    insta::assert_snapshot!(table);
}

#[test]
fn errors_say_which_field_is_wrong_and_what_it_may_hold() {
    let texts = [
        ("", "UTC"),
        ("daily", "UTC"),
        ("5 * *", "UTC"),
        ("* * * * * *", "UTC"),
        ("0 0 0 1 1 * 2027", "UTC"),
        ("@Daily", "UTC"),
        ("@reboot", "UTC"),
        ("60 * * * *", "UTC"),
        ("-5 * * * *", "UTC"),
        ("5- * * * *", "UTC"),
        ("1-5-7 * * * *", "UTC"),
        ("*-5 * * * *", "UTC"),
        ("1,,2 * * * *", "UTC"),
        ("5/15 * * * *", "UTC"),
        ("/15 * * * *", "UTC"),
        ("*/0 * * * *", "UTC"),
        ("*/ * * * *", "UTC"),
        ("*/x * * * *", "UTC"),
        ("*/5/2 * * * *", "UTC"),
        ("0 24 * * *", "UTC"),
        ("0 22-2 * * *", "UTC"),
        ("0 9am * * *", "UTC"),
        ("0 0 0 * *", "UTC"),
        ("0 0 ? * mon", "UTC"),
        ("0 0 L * *", "UTC"),
        ("0 0 15W * *", "UTC"),
        ("0 0 1 13 *", "UTC"),
        ("0 0 1 January *", "UTC"),
        ("0 0 1 nov-feb *", "UTC"),
        ("0 0 * * 8", "UTC"),
        ("0 0 * * Monday", "UTC"),
        ("0 0 * * fri-sun", "UTC"),
        ("0 0 * * sat-sun", "UTC"),
        ("0 0 * * 5-0", "UTC"),
        ("0 0 * * 1#2", "UTC"),
        ("0 0 30 2 *", "UTC"),
        ("0 0 31 4,6 *", "UTC"),
        ("0 0 * * *", ""),
        ("0 0 * * *", "europe/berlin"),
        ("0 0 * * *", "Europ/Berlin"),
        ("0 0 * * *", "Johannesburg"),
        ("0 0 * * *", "New York"),
        ("0 0 * * *", "America/NewYork"),
        ("0 0 * * *", "GMT+2"),
        ("0 0 * * *", "Mars/Base"),
    ];
    let mut table = String::new();
    for (text, timezone) in texts {
        let error = Schedule::parse(text, timezone).expect_err("no schedule");
        let sent = if error.field == "timezone" { timezone } else { text };
        writeln!(table, "{sent:18} {error}").expect("a string takes all");
    }
    insta::assert_snapshot!(table);
}
