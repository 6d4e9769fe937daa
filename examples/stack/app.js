// Counts visits in redis and says how many there were. It speaks redis' own protocol over a plain
// socket, so that the example needs no packages.

import { createServer } from 'node:http'
import { connect } from 'node:net'

const port = Number(process.env.PORT ?? 8092)
const redisPort = Number(process.env.REDIS_PORT ?? 6391)

/** Sends one command and resolves to the first line of the answer, without its type. */
function askRedis(...words) {
  return new Promise((resolve, reject) => {
    const socket = connect(redisPort, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8')
    socket.setTimeout(2_000, () => socket.destroy(new Error('redis does not answer')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('redis closed the connection')))
    socket.on('data', (text) => {
      answer += text
      const end = answer.indexOf('\r\n')
      if (end < 0) return
      socket.end()
      if (answer.startsWith('-')) reject(new Error(answer.slice(1, end)))
      else resolve(answer.slice(1, end))
    })
    socket.write(`${words.join(' ')}\r\n`)
  })
}

async function answerFor(url) {
  if (url === '/health') return `redis says ${await askRedis('PING')}\n`
  return `visit ${await askRedis('INCR', 'visits')}\n`
}

const server = createServer((request, response) => {
  answerFor(request.url).then(
    (text) => response.end(text),
    (error) => {
      console.error(`${request.url}: ${error.message}`)
      response.writeHead(503).end(`${error.message}\n`)
    },
  )
})

server.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}/`))
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
