// The servers of partners on loopback: OpenSSH and vsftpd, each in a folder of its own, set up as in the agent's tests.
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { expect } from '@playwright/test';
import { freePort, Program, run } from './process';
import { FTP_SERVERS, SSHD } from './programs';

/** Where sshd locks away the part of itself that is not trusted yet, if root runs it. */
const EMPTY_FOLDER = '/run/sshd';
/** The password of the FTP server's user. */
const PASSWORD = 'secret';

/** An SFTP server, to which the user who runs the tests signs in with a key. */
export class SftpServer {
  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly fingerprint: string,
    private readonly program: Program,
  ) {}

  static async start(log: string): Promise<SftpServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'mftplus-e2e-sftp-'));
    for (const name of ['host_key', 'user_key']) {
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, name)]);
    }
    await copyFile(path.join(folder, 'user_key.pub'), path.join(folder, 'authorized_keys'));
    await mkdir(path.join(folder, 'files'));
    if (userInfo().uid === 0) await mkdir(EMPTY_FOLDER, { recursive: true });
    const port = await freePort();
    const config = path.join(folder, 'sshd_config');
    await writeFile(
      config,
      `Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder}/host_key
AuthorizedKeysFile ${folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
`,
    );
    const [program] = await Program.start(SSHD, ['-D', '-e', '-f', config], log);
    await expectListening(port);
    // 256 SHA256:… comment (ED25519)
    const [, fingerprint] = (await run('ssh-keygen', ['-l', '-f', path.join(folder, 'host_key.pub')])).split(' ');
    return new SftpServer(folder, port, fingerprint, program);
  }

  /** The path of one of its files, there and on this machine. */
  path(name: string): string {
    return path.join(this.folder, 'files', name);
  }

  /** What an agent's configuration says of it, by this name. */
  config(name: string): string {
    return `[credentials.${name}]
user = '${userInfo().username}'
key-file = '${this.folder}/user_key'

[endpoints.${name}]
protocol = 'sftp'
host = '127.0.0.1'
port = ${this.port}
credentials = '${name}'
host-key = '${this.fingerprint}'
`;
  }

  async stop(): Promise<void> {
    await this.program.end('SIGTERM');
    await rm(this.folder, { recursive: true });
  }
}

/** An FTP server with explicit TLS. Its one user may read, and logs in to the folder of its files. Works for root only. */
export class FtpsServer {
  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly program: Program,
  ) {}

  static async start(log: string): Promise<FtpsServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'mftplus-e2e-ftps-'));
    await makeCertificates(folder);
    for (const name of ['files', 'empty']) await mkdir(path.join(folder, name));
    await writeFile(path.join(folder, 'passwords'), PASSWORD);
    const port = await freePort();
    const config = path.join(folder, 'vsftpd.conf');
    // Without the user database of the machine: an anonymous user with a password. Data connections must resume the TLS
    // session of their control connection.
    await writeFile(
      config,
      `listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
run_as_launching_user=YES
ftp_username=${userInfo().username}
anonymous_enable=YES
local_enable=NO
secure_email_list_enable=YES
email_password_file=${folder}/passwords
anon_root=${folder}/files
secure_chroot_dir=${folder}/empty
anon_world_readable_only=NO
seccomp_sandbox=NO
connect_from_port_20=NO
xferlog_enable=NO
ssl_enable=YES
allow_anon_ssl=YES
force_anon_data_ssl=YES
force_anon_logins_ssl=YES
implicit_ssl=NO
require_ssl_reuse=YES
ssl_ciphers=HIGH
rsa_cert_file=${folder}/both.pem
`,
    );
    const [file, variables] = vsftpd();
    const [program] = await Program.start(file, [config], log, undefined, variables);
    await expectListening(port);
    return new FtpsServer(folder, port, program);
  }

  /** The path on this machine of a file in the folder of the login. */
  path(name: string): string {
    return path.join(this.folder, 'files', name);
  }

  /** What an agent's configuration says of it, by this name. */
  config(name: string): string {
    return `[credentials.${name}]
user = 'anonymous'
password = '${PASSWORD}'

[endpoints.${name}]
protocol = 'ftps'
host = '127.0.0.1'
port = ${this.port}
credentials = '${name}'
tls = 'explicit'
ca-file = '${this.folder}/ca.pem'
`;
  }

  async stop(): Promise<void> {
    await this.program.end('SIGTERM');
    await rm(this.folder, { recursive: true });
  }
}

/** Makes the certificate of a CA, `ca.pem`, and one of it for 127.0.0.1 with its key, `both.pem`. */
async function makeCertificates(folder: string): Promise<void> {
  const file = (name: string) => path.join(folder, name);
  await writeFile(file('extensions'), 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n');
  const [key, request] = [file('key.pem'), file('request.pem')];
  const authority = ['-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=ca'];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...authority]);
  await run('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', request, '-subj', '/CN=ftp']);
  const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
  const signed = ['-extfile', file('extensions'), '-out', file('cert.pem')];
  await run('openssl', ['x509', '-req', '-in', request, ...signer, ...signed]);
  await writeFile(file('both.pem'), Buffer.concat([await readFile(key), await readFile(file('cert.pem'))]));
}

/** vsftpd with the variables that it needs: the one that `cargo xtask test` unpacked, else the one of this machine. */
function vsftpd(): [string, Record<string, string>] {
  const unpacked = path.join(FTP_SERVERS, 'usr/sbin/vsftpd');
  if (existsSync(unpacked)) {
    const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    return [unpacked, { LD_LIBRARY_PATH: path.join(FTP_SERVERS, `usr/lib/${architecture}-linux-gnu`) }];
  }
  // Servers are not always in the path of a user.
  return ['vsftpd', { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` }];
}

/** Waits until a server listens. */
async function expectListening(port: number): Promise<void> {
  await expect(async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  }, `a server listens on port ${port}`).toPass({ timeout: 20_000 });
}
