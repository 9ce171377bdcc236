import { parseMac } from '@gridseal/iec61850'
import { isMulticast, parseEndpoint } from '@gridseal/transport'
import { z } from 'zod'
import { PROTOCOLS, adapterFor } from '../protocols.ts'
import { duration, parsed, text, url } from './fields.ts'
import type { FieldConfig, GroupConfig, HeadEndConfig } from './model.ts'

const mac = parsed((address) => {
  parseMac(address)
  return address
})

/** Which frames of an Ethernet interface are carried. */
export const ethernetFilter: {
  readonly destinations: z.ZodType<readonly string[] | undefined>
  readonly appIds: z.ZodType<readonly number[] | undefined>
} = {
  /** Destinations, 01-0C-CD-01-00-01; default every group address. */
  destinations: z.array(mac).min(1).max(1024).optional(),
  /** APPIDs, 0x3001; default all. */
  appIds: z.array(z.number().int().min(0).max(0xffff)).min(1).max(1024).optional(),
}

const group = z
  .strictObject({
    /** The field bridges' links name it. */
    name: text.max(100),
    protocol: z.enum(PROTOCOLS),
    /** The protocol's framing, goose and sv: ethernet, routable (R-GOOSE, R-SV over UDP); default the protocol's first. */
    framing: z.string().optional(),
    /** The head-end's own network, UDP multicast or, for goose and sv, eth; default none, it only passes on. */
    address: url('udp', 'eth').optional(),
    /** UDP: IPv4 address of the interface; default the system's choice. */
    interface: z.ipv4().optional(),
    ...ethernetFilter,
    /** Sites that are members. Who is left out gets no key any more. */
    members: z.array(z.strictObject({ site: text, link: text.max(100) })).max(1024),
    /** How long an epoch lasts. */
    lifetime: duration.default(86_400_000),
    /** How long the key before is still taken after a change; not after a removal. */
    overlap: duration.default(60_000),
    /** How old, or ahead of our clock, a message may be. */
    maxAge: duration.default(10_000),
  })
  .refine(({ lifetime, overlap }) => lifetime > overlap, { path: ['lifetime'], message: 'longer than overlap' })

/** Groups of real-time multicast, whose keys the head-end owns. */
export const groups: z.ZodType<readonly GroupConfig[]> = z.array(group).default([])

export function checkGroups(config: HeadEndConfig, context: z.RefinementCtx): void {
  const names = new Set<string>()
  config.groups.forEach((group, index) => {
    const { name, protocol, framing, address, members } = group
    const { framings } = adapterFor(protocol)
    const say = (path: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path: ['groups', index, ...path], message })
    if (names.has(name)) say(['name'], `"${name}" is there already`)
    names.add(name)
    if (framing !== undefined && !framings.includes(framing)) {
      say(['framing'], `allowed for ${protocol}: ${framings.join(', ') || 'none'}`)
    }
    if (address !== undefined && !isGroup(address)) say(['address'], NO_GROUP)
    if (address !== undefined && isEthernet(address) && adapterFor(protocol).recognition.etherTypes.length === 0) {
      say(['address'], `not for ${protocol}: eth:// is for goose and sv`)
    }
    if (framing === 'routable' && address !== undefined && isEthernet(address)) say(['framing'], NOT_ROUTABLE)
    checkPlace(group, address, (key, message) => say([key], message))
    const sites = new Set<string>()
    members.forEach(({ site, link }, at) => {
      const found = config.sites.find((one) => one.site === site)
      if (found === undefined) say(['members', at, 'site'], `there is no site "${site}"`)
      if (sites.has(site)) say(['members', at, 'site'], `"${site}" is there already`)
      sites.add(site)
      const others = config.groups.slice(0, index).flatMap((other) => other.members)
      const taken = found?.links.some(({ id }) => id === link) || others.some((m) => m.site === site && m.link === link)
      if (taken) say(['members', at, 'link'], `"${link}" is another link of ${site}`)
    })
  })
}

/** Only UDP has addresses of interfaces, and only Ethernet is filtered. */
function checkPlace(
  place: Pick<GroupConfig, 'interface' | 'destinations' | 'appIds'>,
  url: string | undefined,
  say: (key: string, message: string) => void,
): void {
  if (url !== undefined && isEthernet(url)) {
    if (place.interface !== undefined) say('interface', 'not for eth://, which names its interface itself')
    return
  }
  for (const key of ['destinations', 'appIds'] as const) if (place[key] !== undefined) say(key, 'only for eth://')
}

/** Multicast without a group's key would be nobody's word, and a group is for multicast. */
export function checkMulticast(config: FieldConfig, context: z.RefinementCtx): void {
  const names = new Set<string>()
  config.links.forEach((link, index) => {
    const { device, group: name, interface: local, store, bind } = link
    const say = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: ['links', index, key], message })
    const multicast = isGroup(device)
    if (multicast && name === undefined) say('group', 'missing: multicast is carried under the key of a group')
    if (!multicast && name !== undefined) {
      say('group', 'only for multicast devices, such as udp://239.1.2.3:5000 or eth://eth1')
    }
    if (!multicast && local !== undefined) say('interface', 'only for multicast devices')
    checkPlace(link, device, say)
    if (link.framing === 'routable' && isEthernet(device)) say('framing', NOT_ROUTABLE)
    if (multicast && store !== undefined) say('store', 'not for multicast: real-time traffic is worth nothing later')
    if (multicast && bind !== undefined) say('bind', 'not for multicast: the group is joined')
    if (name !== undefined && names.has(name)) say('group', `"${name}" is there already`)
    if (name !== undefined) names.add(name)
  })
}

const NOT_ROUTABLE = 'routable is for udp://: what is on eth:// has no IP address'
const NO_GROUP = 'no IPv4 multicast group, such as udp://239.1.2.3:5000, and no eth://'

/** An IPv4 multicast address, or an Ethernet interface: there nearly all is sent to groups. */
function isGroup(address: string): boolean {
  const endpoint = parseEndpoint(address)
  return endpoint.kind === 'eth' || (endpoint.kind === 'udp' && isMulticast(endpoint.host))
}

function isEthernet(address: string): boolean {
  return parseEndpoint(address).kind === 'eth'
}
