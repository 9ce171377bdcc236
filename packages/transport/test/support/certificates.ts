import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate authority and what it has issued, made with openssl for the length of the tests. */
export interface Certificates {
  readonly ca: string
  readonly otherCa: string
  readonly server: { readonly cert: string; readonly key: string }
  readonly client: { readonly cert: string; readonly key: string }
}

/** Makes them in this folder. */
export function makeCertificates(folder: string): Certificates {
  const run = (command: string): unknown => execFileSync('openssl', command.split(' '), { cwd: folder, stdio: 'pipe' })
  const pem = (file: string): string => readFileSync(join(folder, file), 'utf8')
  const newKey = (name: string): string =>
    `req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -subj /CN=${name}`
  const authority = (name: string): string => {
    run(`${newKey(name)} -x509 -days 30 -out ${name}.pem`)
    return pem(`${name}.pem`)
  }
  const issue = (name: string, subject: string): { cert: string; key: string } => {
    run(`${newKey(name)} -out ${name}.csr`)
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${subject}`)
    run(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out ${name}.pem -days 30 -extfile ${name}.ext`,
    )
    return { cert: pem(`${name}.pem`), key: pem(`${name}.key`) }
  }
  const ca = authority('ca')
  const otherCa = authority('other')
  const server = issue('server', 'DNS:outstation.test,IP:127.0.0.1')
  return { ca, otherCa, server, client: issue('client', 'DNS:master.test') }
}
