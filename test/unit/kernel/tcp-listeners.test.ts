// Listening sockets of this machine, found by port, with the processes that hold them.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { listenersOn, parseTcpTable, socketHolders } from '../../../src/kernel/tcp-listeners.ts'

async function listen(host: string): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer()
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    close: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

describe('real sockets', () => {
  for (const host of ['127.0.0.1', '0.0.0.0', '::1', '::']) {
    test(`one that listens on ${host} is ours`, async (t) => {
      let server: Awaited<ReturnType<typeof listen>>
      try {
        server = await listen(host)
      } catch (error) {
        t.skip(`this machine has no ${host}: ${String(error)}`)
        return
      }
      const found = listenersOn(server.port)
      assert.deepEqual(
        found.map(({ address, port }) => [address, port]),
        [[host, server.port]],
      )
      assert.equal(found[0]?.uid, process.geteuid?.())
      const inode = found[0]?.inode ?? 0
      assert.deepEqual([...socketHolders(new Set([inode]))], [[inode, [process.pid]]])
      await server.close()
      assert.deepEqual(listenersOn(server.port), [])
      assert.equal(socketHolders(new Set([inode])).size, 0)
    })
  }
})

describe('the table', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n'
  const row = (address: string, state: string, inode: number): string =>
    `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ` +
    `1000        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`

  test('stops at the first row that does not listen', () => {
    const text = head + row('0100007F:1F90', '0A', 11) + row('00000000:0050', '0A', 12)
    assert.deepEqual(parseTcpTable(text, 'ipv4').listeners, [
      { address: '127.0.0.1', port: 8080, inode: 11, uid: 1000 },
      { address: '0.0.0.0', port: 80, inode: 12, uid: 1000 },
    ])
    const cut = parseTcpTable(text + row('0100007F:1F90', '01', 13), 'ipv4', 80)
    assert.deepEqual(
      cut.listeners.map(({ inode }) => inode),
      [12],
    )
    assert.equal(cut.isOver, true)
  })

  test('IPv6 addresses are printed as people write them', () => {
    const addresses: readonly (readonly [string, string])[] = [
      ['00000000000000000000000000000000', '::'],
      ['00000000000000000000000001000000', '::1'],
      ['0000000000000000FFFF00000100007F', '::ffff:127.0.0.1'],
      ['000080FE00000000FF005450EEFF1212', 'fe80::5054:ff:1212:ffee'],
      ['B80D0120000000000000000001000000', '2001:db8::1'],
      ['0000010000000000010000000000000A', '1::1:a00:0'],
    ]
    for (const [hex, printed] of addresses) {
      const { listeners } = parseTcpTable(row(`${hex}:0050`, '0A', 1), 'ipv6')
      assert.deepEqual(
        listeners.map(({ address }) => address),
        [printed],
        hex,
      )
    }
  })

  test('nonsense is no listener', () => {
    assert.deepEqual(parseTcpTable('', 'ipv4'), { listeners: [], isOver: false })
    assert.deepEqual(parseTcpTable(`${head}garbage\n`, 'ipv4'), { listeners: [], isOver: false })
  })
})
