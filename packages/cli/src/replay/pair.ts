import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { SigningKey, writeKeyFile, writePublicKeyFile } from '@gridseal/pqc'

/** One link of a pair of bridges on this machine. */
export interface PairLink {
  readonly id: string
  readonly protocol: string
  readonly framing?: string | undefined
  /** Where the device is. */
  readonly device: string
  /** Where the head-end bridge listens for masters. */
  readonly master: string
  /** UDP: the master, for devices that speak first. */
  readonly peer?: string | undefined
}

export interface PairOptions {
  /** Where keys and configurations are written. */
  readonly directory: string
  readonly site: string
  readonly algorithm: SignatureAlgorithm
  readonly links: readonly PairLink[]
  /** Journals of both bridges go here, in `field` and `head-end`. */
  readonly journals: string
  /** Wait for the disk before a batch is acknowledged. */
  readonly sync: boolean
}

/** Files of a pair of bridges: throw-away keys and the head-end's configuration. */
export interface PairFiles {
  readonly headEndConfig: string
  /** The field bridge's configuration, once the head-end's address is known. */
  writeFieldConfig(channelUrl: string): Promise<string>
}

/** Writes keys and configurations for two bridges that talk over loopback. */
export async function writePair(options: PairOptions): Promise<PairFiles> {
  const { directory, site, algorithm, links, journals, sync } = options
  await mkdir(directory, { recursive: true })
  for (const name of ['head-end', 'field']) {
    const key = SigningKey.generate(algorithm)
    await writeKeyFile(join(directory, `${name}.key`), key)
    await writePublicKeyFile(join(directory, `${name}.pub`), key.publicKey)
  }
  const journal = (name: string): object => ({ directory: join(journals, name), sync })
  const isUdp = (link: PairLink): boolean => link.device.startsWith('udp:')
  const common = ({ id, protocol, framing }: PairLink): object => ({
    id,
    protocol,
    ...(framing === undefined ? {} : { framing }),
  })
  const headEndConfig = join(directory, 'head-end.yaml')
  // JSON is YAML.
  await writeFile(
    headEndConfig,
    JSON.stringify({
      role: 'head-end',
      identity: 'head-end.key',
      channel: { listen: 'tcp://127.0.0.1:0', allow: ['127.0.0.0/8'] },
      journal: journal('head-end'),
      sites: [
        {
          site,
          peer: 'field.pub',
          links: links.map((link) => ({
            ...common(link),
            master: link.master,
            ...(isUdp(link) && { peer: link.peer }),
          })),
        },
      ],
    }),
  )
  return {
    headEndConfig,
    async writeFieldConfig(channelUrl) {
      const file = join(directory, 'field.yaml')
      await writeFile(
        file,
        JSON.stringify({
          role: 'field',
          site,
          identity: 'field.key',
          channel: { connect: channelUrl, peer: 'head-end.pub' },
          journal: journal('field'),
          links: links.map((link) => ({
            ...common(link),
            device: link.device,
            ...(isUdp(link) && { bind: 'udp://127.0.0.1:0' }),
          })),
        }),
      )
      return file
    },
  }
}
