import { type Command, Option } from 'commander'
import { collect } from './collect.ts'
import { parseUnseen, parseWindow } from './flags.ts'
import type { Parsed } from './parsed.ts'
import { defaultWindowSeconds } from './run-limits.ts'

/** How long a trial lasts without a sign of life. */
export const windowOption = (): Option =>
  new Option('--window <TIME>', `how long a trial lasts without a sign of life, as 2m; ${defaultWindowSeconds}s without it (20s to 10m)`)
    .default(defaultWindowSeconds, `${defaultWindowSeconds}s`)
    .argParser(parseWindow)

/** The firewall, as a file or as flags. */
export const withFirewall = (command: Command): Command =>
  withRisks(command)
    .option('-f, --filename <FILE>', 'the firewall as a file; then no other flag describes it')
    .option('--interface <[NODE=]NAME>', 'a network interface to close, on every node or on one; repeatable', collect)
    .option('--trust <CIDR>', 'a network with full access, besides nodes, pods and Services; repeatable', collect)
    .option('--vip <IP:PORT/PROTO,...>', 'an address to keep open, with its ports; repeatable', collect)
    .option('--open <PORT/PROTO[@CIDR,...]>', 'a port of every node to keep open, to everyone or to some; repeatable', collect)
    .option('--failsafe <PORT/PROTO>', 'a port that stays open to everyone whatever happens; repeatable', collect)
    .option('--node-ports <close|open|PORTS>', 'what happens to NodePorts: close, open, or the ports to keep open')

/** The time a trial has, and the risks that can be taken by name. */
export const withRisks = (command: Command): Command =>
  command
    .option('--accept-unseen <KIND>', 'go on although KIND could not be looked at; the refusal names it; repeatable', collect)
    .option('--accept-host-firewall <NODE>', 'go on although this node’s own firewall is bypassed: what it drops opens; repeatable', collect)
    .addOption(windowOption())

/** What those flags say. */
export const riskFlags = (flags: Parsed) => ({
  windowSeconds: flags.window,
  accepted: { unseen: parseUnseen(flags.acceptUnseen), hostFirewalls: flags.acceptHostFirewall ?? [] },
})

/** Whether it may begin by itself, and take the lock from a silent holder. */
export const withConsent = (command: Command, yes: string): Command => command.addOption(yesOption(yes)).addOption(takeOverOption())

/** What those flags say. */
export const consentFlags = ({ yes, takeOver }: Parsed) => ({ yes: yes === true, takeOver: takeOver === true })

/** `-y`, with what it stands for. */
export const yesOption = (description: string): Option => new Option('-y, --yes', description)
const takeOverOption = (): Option => new Option('--take-over', 'take the lock from a client that has been silent for 20 s')

/** `--dry-run`. */
export const dryRunOption = (): Option => new Option('--dry-run [MODE]', 'client: show the plan; server: also ask the API server; write nothing')

/** What those flags say. */
export const firewallFlags = (flags: Parsed) => ({
  ...(flags.filename === undefined ? {} : { filename: flags.filename }),
  ...(flags.interface === undefined ? {} : { interfaces: flags.interface }),
  ...(flags.trust === undefined ? {} : { trust: flags.trust }),
  ...(flags.vip === undefined ? {} : { vips: flags.vip }),
  ...(flags.open === undefined ? {} : { open: flags.open }),
  ...(Array.isArray(flags.failsafe) ? { failsafes: flags.failsafe } : {}),
  ...(flags.nodePorts === undefined ? {} : { nodePorts: flags.nodePorts }),
  ...riskFlags(flags),
})
