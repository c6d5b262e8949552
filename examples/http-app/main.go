// Command http-app is a small HTTP service to be tested: it converts units that a
// question in words names.
//
//	PORT=8080 go run ./examples/http-app
//	curl -d '{"question": "How many kilometres are 5 miles?"}' http://127.0.0.1:8080/answer
package main

import (
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	server := &http.Server{
		Addr: net.JoinHostPort("127.0.0.1", os.Getenv("PORT")), Handler: handler(), ReadHeaderTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
