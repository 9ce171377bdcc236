import type { OpenEthernet } from '@gridseal/transport'
import { parseEndpoint } from '@gridseal/transport'
import type { FieldLinkConfig, HeadEndLinkConfig, LinkConfig } from '../config/model.ts'
import type { Report } from '../events.ts'
import { policyOf } from '../policy.ts'
import { adapterFor } from '../protocols.ts'
import { DatagramEnd } from './datagram.ts'
import type { LinkContext, LinkEnd } from './end.ts'
import { groupNetwork } from './group-network.ts'
import { LineEnd } from './line.ts'
import { MulticastEnd } from './multicast.ts'
import { TcpDeviceEnd } from './tcp-device.ts'
import { TcpMasterEnd } from './tcp-master.ts'

/** The device's end of a link, for a field bridge. */
export function deviceEnd(config: FieldLinkConfig, now: () => bigint, report: Report): LinkEnd {
  const context = { ...contextOf(config, 'to-master', now, report), store: config.store }
  switch (parseEndpoint(config.device).kind) {
    case 'serial':
      return new LineEnd(context, config.device)
    case 'udp':
      return new DatagramEnd(context, config)
    default:
      return new TcpDeviceEnd(context, config)
  }
}

/** The masters' end of a link, for a head-end bridge. */
export function masterEnd(config: HeadEndLinkConfig, now: () => bigint, report: Report): LinkEnd {
  const context = contextOf(config, 'to-device', now, report)
  switch (parseEndpoint(config.master).kind) {
    case 'serial':
      return new LineEnd(context, config.master)
    case 'udp':
      return new DatagramEnd(context, config)
    default:
      return new TcpMasterEnd(context, config)
  }
}

/** The end of a multicast link, for a field bridge. */
export function multicastEnd(
  config: FieldLinkConfig,
  now: () => bigint,
  report: Report,
  openEthernet: OpenEthernet,
): MulticastEnd {
  const context = contextOf(config, 'to-master', now, report)
  const place = { ...config, group: config.device }
  return new MulticastEnd(context, groupNetwork(place, context.adapter, openEthernet))
}

function contextOf(
  config: LinkConfig,
  inbound: LinkContext['inbound'],
  now: () => bigint,
  report: Report,
): LinkContext {
  const adapter = adapterFor(config.protocol)
  return { config, adapter, inbound, policy: policyOf(config, adapter), now, report }
}
