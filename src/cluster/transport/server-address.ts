/** The host of a URL without the brackets of an IPv6 address: what sockets and certificates know it by. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1')

/** The port of a URL, its scheme's own when it names none. */
export const portOf = (url: URL): number => (url.port === '' ? (defaultPorts[url.protocol] ?? 443) : Number(url.port))

/** `host:port` as it is written, an IPv6 address in brackets. */
export const authorityOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'socks5:': 1080, 'socks5h:': 1080 }
