import type { SignatureAlgorithm } from '@gridseal/pqc'
import { SigningKey, readPublicKeyFile, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'
import { print, toJson } from '../output.ts'

export interface KeygenOptions {
  readonly algorithm: SignatureAlgorithm
  readonly json: boolean
  readonly force: boolean
}

/** Makes an identity: the private key in `path` (mode 0600), the public one in `path.pub`. */
export async function keygen(path: string, options: KeygenOptions): Promise<void> {
  const key = SigningKey.generate(options.algorithm)
  await writeKeyFile(path, key, { overwrite: options.force })
  const publicPath = `${path.replace(/\.key$/, '')}.pub`
  await writePublicKeyFile(publicPath, key.publicKey, { overwrite: options.force })
  const fingerprint = key.publicKey.fingerprintText
  if (options.json) print(toJson({ path, publicPath, algorithm: key.algorithm, fingerprint }))
  else print(`private key  ${path}\npublic key   ${publicPath}\nfingerprint  ${fingerprint}`)
}

/** Shows algorithm and fingerprint of public key files. */
export async function keys(paths: readonly string[], options: { readonly json: boolean }): Promise<void> {
  for (const path of paths) {
    const key = await readPublicKeyFile(path)
    if (options.json) print(toJson({ path, algorithm: key.algorithm, fingerprint: key.fingerprintText }))
    else print(`${key.fingerprintText}  ${path}`)
  }
}
