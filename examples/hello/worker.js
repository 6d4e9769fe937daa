// Asks the web server for a greeting every two seconds, and says what it got.

const url = process.env.WEB ?? 'http://127.0.0.1:8087/'

async function ask() {
  const response = await fetch(url)
  console.log(`heard: ${(await response.text()).trim()}`)
}

console.log(`asking ${url} every two seconds`)
await ask()
const timer = setInterval(() => {
  ask().catch((error) => console.error(`no greeting: ${error.cause?.message ?? error.message}`))
}, 2_000)

process.on('SIGTERM', () => {
  console.log('asked to stop')
  clearInterval(timer)
})
