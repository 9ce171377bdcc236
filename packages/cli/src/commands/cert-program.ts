import { Option, InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import type { Name } from '@gridseal/pqc'
import type * as Cert from './cert.ts'
import type {
  AltNameOptions,
  AuthorityOptions,
  DeviceOptions,
  IssuerOptions,
  MakeOptions,
  RevokeOptions,
  VerifyOptions,
} from './cert.ts'

/** The subcommands of `gridseal cert`. */
export function addCertCommands(parent: Command, exit: (code: number) => void): void {
  const cert = parent.command('cert').description('certificates: issue, request, revoke, verify, show')
  const load = (): Promise<typeof Cert> => import('./cert.ts')

  make(cert.command('root').description('a self-signed root'))
    .addOption(new Option('--path-length <n>', 'CAs that may stand below it').argParser(whole))
    .action(async (options: AuthorityOptions) => (await load()).certRoot(options))

  issuer(make(cert.command('intermediate').description('a CA below another one')))
    .addOption(new Option('--path-length <n>', 'CAs that may stand below it (default 0)').argParser(whole))
    .action(async (options: AuthorityOptions & IssuerOptions) => (await load()).certIntermediate(options))

  altNames(issuer(output(cert.command('device').description('the certificate of a device'))))
    .option('--key <file>', 'its private key; made where it is not there')
    .option('--csr <file>', 'or its request')
    .addOption(subject().default({}))
    .addOption(days(825))
    .addOption(new Option('--crl <uri>', 'where its revocation list is (repeatable)').argParser(several).default([]))
    .option('--related <file>', 'certificate of the same device with a classical key (RFC 9763)')
    .option('--alternative-key <file>', 'public key of the same device of another algorithm (X.509 9.8.2)')
    .action(async (options: DeviceOptions) => (await load()).certDevice(options))

  altNames(output(cert.command('csr').description('a request for a certificate')))
    .requiredOption('--key <file>', 'private key; made where it is not there')
    .addOption(subject().makeOptionMandatory())
    .action(async (options: MakeOptions & AltNameOptions) => (await load()).certRequest(options))

  issuer(output(cert.command('revoke <file...>').description('a revocation list over certificates')))
    .addOption(days(7))
    .addOption(new Option('--number <n>', 'of the list, rising').argParser(whole).makeOptionMandatory())
    .option('--shard <uri>', 'the shard that it covers, as its certificates name it')
    .action(async (files: string[], options: RevokeOptions) => (await load()).certRevoke(files, options))

  cert
    .command('verify <file>')
    .description('check a certificate and its path; exit code 1 if it is refused')
    .addOption(new Option('--root <file>', 'trusted root (repeatable)').argParser(several).default([]))
    .addOption(new Option('--intermediate <file>', 'further certificates (repeatable)').argParser(several).default([]))
    .addOption(new Option('--crl <file>', 'revocation list (repeatable)').argParser(several).default([]))
    .option('--require-revocation', 'every certificate must be covered by a current list', false)
    .option('--host <name>', 'DNS name, IP address or URI that it must be for')
    .addOption(new Option('--purpose <purpose>').choices(['serverAuth', 'clientAuth', 'codeSigning', 'timeStamping']))
    .option('--at <time>', 'judge at this time (ISO 8601)')
    .addOption(json())
    .action(async (file: string, options: VerifyOptions) => exit(await (await load()).certVerify(file, options)))

  cert
    .command('show <file>')
    .description('what certificates say; nothing is verified')
    .addOption(json())
    .action(async (file: string, options: { json: boolean }) => (await load()).certShow(file, options.json))
}

function make(command: Command): Command {
  return output(command)
    .requiredOption('--key <file>', 'private key; made where it is not there')
    .addOption(subject().makeOptionMandatory())
    .addOption(days(3650))
}

function output(command: Command): Command {
  return command
    .requiredOption('--out <file>', 'PEM file')
    .addOption(new Option('--algorithm <name>', 'of a new key').default('ML-DSA-65'))
    .option('--force', 'replace an existing file', false)
    .addOption(json())
}

function issuer(command: Command): Command {
  return command
    .requiredOption('--ca <file>', 'certificate of the CA')
    .requiredOption('--ca-key <file>', 'private key of the CA')
}

function altNames(command: Command): Command {
  return command
    .addOption(new Option('--dns <name>', 'DNS name (repeatable)').argParser(several).default([]))
    .addOption(new Option('--ip <address>', 'IP address (repeatable)').argParser(several).default([]))
    .addOption(new Option('--uri <uri>', 'URI (repeatable)').argParser(several).default([]))
}

function subject(): Option {
  return new Option('--subject <name>', 'e.g. "C=AT, O=Netz, CN=meter 7"').argParser(parseName)
}

function days(count: number): Option {
  return new Option('--days <n>', 'how long it is valid').argParser(whole).default(count)
}

function json(): Option {
  return new Option('--json', 'NDJSON on standard output').default(false)
}

function parseName(text: string): Name {
  const parts = text.split(/,\s*(?=[A-Za-z]+=)/).map((part): [string, string] => {
    const at = part.indexOf('=')
    if (at < 1) throw new InvalidArgumentError('names are written as "O=Netz, CN=meter 7"')
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
  })
  return Object.fromEntries(parts)
}

function several(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('not a whole number')
  return value
}
