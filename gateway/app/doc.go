// Package app is Causeway as a program: what `causeway run` and the other commands do, apart from the signals of the
// process and the list of bridges.
//
// [App] is the whole of `causeway run`: the store with its lock, the accounts, the HTTP server and the gateway. It is
// opened, run once, and is then gone with everything it has started, so tests can have one, or several after each
// other. [Command] is one call of the program with its arguments and its exit code. `causeway status` asks the App of
// another process over HTTP, and proves by a token that it may read the key file.
//
// What only the operator can put right (a mistake in the config, a store that cannot be written or is too new, a
// damaged key file, a port in use) ends a command at its start, with one line for each problem that names the next
// step. What a chat service refuses does not: `run` parks that account or conversation and tries again.
package app
