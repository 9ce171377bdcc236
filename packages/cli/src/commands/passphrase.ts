/** Opens and encrypts key files; a variable, since arguments can be seen by everybody on a machine. */
export const PASSPHRASE_VARIABLE = 'GRIDSEAL_PASSPHRASE'

export function passphraseOption(): { readonly passphrase?: string } {
  const passphrase = process.env[PASSPHRASE_VARIABLE]
  return passphrase === undefined || passphrase === '' ? {} : { passphrase }
}
