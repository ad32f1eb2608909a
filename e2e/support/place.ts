// What `cargo xtask test` found or started for these tests.
import path from 'node:path';

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests with \`cargo xtask test --only browser\``);
  return value;
}

/** The binary under test, built with the dashboard. */
export const BINARY = given('MFTPLUS_TEST_BINARY');
/** The browser. */
export const CHROMIUM = given('MFTPLUS_TEST_CHROMIUM');
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
/** Where traces and screenshots go. */
export const OUTPUT = path.join(import.meta.dirname, '..', 'output');
