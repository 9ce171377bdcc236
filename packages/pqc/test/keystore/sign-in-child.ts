// A process of its own, as after a restart: opens the store and prints the signature over its last argument in hex.
import { Pkcs11KeyStore } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'

const [library, token, pin, folder, name, message] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
]
const store = await Pkcs11KeyStore.open({ library, token, pin, folder })
const signer = await store.open(name)
process.stdout.write(toHex(await signer.sign(new TextEncoder().encode(message))))
await store.close()
