// Package tcpfaults has tests alone: whole runs, and single calls, through a TCP
// proxy ([Toxiproxy]) that slows, slices, stalls, cuts and resets connections
// between evalrun and a real listener, be it the app under test or the platform.
//
// It is a module of its own, so that who uses evalrun does not get the proxy
// among its dependencies; go test ./... in the folder above does not run it:
//
//	cd harness/runner/tcpfaults && go test ./...
//
// [Toxiproxy]: https://github.com/Shopify/toxiproxy
package tcpfaults
