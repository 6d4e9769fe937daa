// Asks the web server now and then. A Procfile knows no order: it waits until there is an answer.

const url = `http://127.0.0.1:${process.env.WEB_PORT}/`

async function ask() {
  try {
    const response = await fetch(url)
    console.log(`heard: ${(await response.text()).trim()}`)
  } catch {
    console.log(`nobody listens on ${url} yet`)
  }
}

await ask()
setInterval(ask, 1_000)
