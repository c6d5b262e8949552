package sgpserver_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

// Serve the local platform on a port that the system chooses, make a dataset,
// and ask for something that is not there.
func ExampleServe() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := store.Open(dir)
	if err != nil {
		panic(err)
	}
	defer func() { _ = db.Close() }()

	ctx, cancel := context.WithCancel(context.Background())
	err = sgpserver.Serve(ctx, "127.0.0.1:0", sgpserver.Config{Store: db}, func(addr string) {
		go func() {
			defer cancel()
			url := "http://" + addr + "/v4/evaluation-datasets"
			resp, err := http.Post(url, "application/json",
				strings.NewReader(`{"name": "support", "schema_type": "GENERATION", "account_id": "me"}`))
			if err != nil {
				panic(err)
			}
			_ = resp.Body.Close()
			fmt.Println("created:", resp.Status)

			resp, err = http.Get(url + "/unheard-of")
			if err != nil {
				panic(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				panic(err)
			}
			fmt.Println(resp.Status, string(body))
		}()
	})
	fmt.Println("ended:", err)
	// Output:
	// created: 200 OK
	// 404 Not Found {"detail":"evaluation dataset \"unheard-of\" not found"}
	// ended: <nil>
}
