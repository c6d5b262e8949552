package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// testApp is an app under test that does what its first argument says.
func testApp() {
	switch mode := os.Args[1]; mode {
	case "echo": // one process per case: the answer is the input
		data, _ := io.ReadAll(os.Stdin)
		if strings.Contains(string(data), "wrong") {
			data = []byte("no")
		}
		fmt.Println(string(data))
	case "count": // appends each input to a file, then echoes it
		data, _ := io.ReadAll(os.Stdin)
		appendLine(os.Args[2], string(data))
		fmt.Print(string(data))
	case "slow": // like count, and slow for inputs with "slow" in them
		data, _ := io.ReadAll(os.Stdin)
		appendLine(os.Args[2], string(data))
		if strings.Contains(string(data), "slow") {
			time.Sleep(time.Minute)
		}
		fmt.Print(string(data))
	case "slow-two": // the second case is slow to come, and says so in a file
		data, _ := io.ReadAll(os.Stdin)
		if string(data) != "one" {
			appendLine(os.Args[2], string(data))
			time.Sleep(time.Minute)
		}
		fmt.Print(string(data))
	case "append":
		appendLine(os.Args[2], os.Args[3])
	case "fickle": // fails for "two" until its mode file is there
		data, _ := io.ReadAll(os.Stdin)
		appendLine(os.Args[2], string(data))
		if _, err := os.Stat(os.Args[3]); err != nil && string(data) == "two" {
			fmt.Fprintln(os.Stderr, "not today")
			os.Exit(1)
		}
		fmt.Print(string(data))
	case "exit":
		fmt.Fprintln(os.Stderr, "the model file is missing")
		os.Exit(1)
	case "big":
		for range 100 {
			_, _ = os.Stdout.Write(make([]byte, 1<<20))
		}
	case "hang":
		time.Sleep(time.Hour)
	case "silent": // says that it is there, and then nothing
		appendLine(os.Args[2], "here")
		time.Sleep(time.Minute)
	case "judge":
		judge(os.Args[2], os.Args[3])
	case "jsonl":
		jsonLines()
	case "coin": // says yes as often as the input says, by the seed; the argument is taken off
		pause := time.Duration(0)
		if len(os.Args) > 3 {
			pause, _ = time.ParseDuration(os.Args[3])
		}
		coin(os.Args[2], pause)
	case "except": // JSON lines: the answer is the input, but for those in a file
		except(os.Args[2], os.Args[3])
	case "garbage":
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			fmt.Println("Traceback (most recent call last):")
		}
	case "nap": // like count, and takes its time
		data, _ := io.ReadAll(os.Stdin)
		appendLine(os.Args[2], string(data))
		time.Sleep(200 * time.Millisecond)
		fmt.Print(string(data))
	case "http":
		serveHTTP(os.Args[2])
	case "proxy":
		proxy(os.Args[2], os.Args[3], os.Args[4])
	case "platform":
		platform(os.Args[2])
	case "retell":
		retellPlatform(os.Args[2], os.Args[3])
	case "wait":
		awaitServer(os.Args[2])
	case "canary":
		canaryApp(os.Args[2], os.Args[3])
	case "get":
		get(os.Args[2])
	default:
		fmt.Fprintln(os.Stderr, "testapp: no mode", mode)
		os.Exit(2)
	}
}

func appendLine(path, line string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(f, line)
	_ = f.Close()
}

// except answers with the input, after so much time. For an input that is a line of
// the file it answers "no", and an error where it has a "?" before it.
func except(file, delay string) {
	data, _ := os.ReadFile(file)
	lines := strings.Fields(string(data))
	wait, err := time.ParseDuration(delay)
	if err != nil {
		os.Exit(2)
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var request struct{ ID, Input string }
		_ = json.Unmarshal(in.Bytes(), &request)
		time.Sleep(wait)
		reply := map[string]any{"id": request.ID, "output": request.Input}
		switch {
		case slices.Contains(lines, request.Input):
			reply["output"] = "no"
		case slices.Contains(lines, "?"+request.Input):
			reply = map[string]any{"id": request.ID, "error": "out of order"}
		}
		_ = json.NewEncoder(os.Stdout).Encode(reply)
	}
}

func jsonLines() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var request struct {
			ID    string `json:"id"`
			Input any    `json:"input"`
		}
		if err := json.Unmarshal(in.Bytes(), &request); err != nil {
			os.Exit(3)
		}
		reply, _ := json.Marshal(map[string]any{"id": request.ID, "output": request.Input,
			"usage": map[string]int{"input_tokens": 10, "output_tokens": 2}, "cost_usd": 0.5})
		fmt.Println(string(reply))
	}
}

// coin answers yes with the probability that the input has, less a bug's, as the
// trial's seed decides.
func coin(less string, pause time.Duration) {
	bug, _ := strconv.ParseFloat(less, 64)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var request struct {
			ID    string `json:"id"`
			Input string `json:"input"`
			Seed  uint64 `json:"seed"`
		}
		if err := json.Unmarshal(in.Bytes(), &request); err != nil {
			os.Exit(3)
		}
		time.Sleep(pause)
		rate, _ := strconv.ParseFloat(request.Input, 64)
		answer := "no"
		if rand.New(rand.NewPCG(request.Seed, 0)).Float64() < rate-bug {
			answer = "yes"
		}
		fmt.Printf("{\"id\": %q, \"output\": %q, \"usage\": {\"input_tokens\": 10, \"output_tokens\": 2}, \"cost_usd\": 0.5}\n", request.ID, answer)
	}
}

// judge passes everything, and notes it in a file; slowly while slow is there.
func judge(file, slow string) {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var request struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(in.Bytes(), &request)
		appendLine(file, request.ID)
		if _, err := os.Stat(slow); err == nil {
			time.Sleep(time.Minute)
		}
		fmt.Printf("{\"id\": %q, \"value\": 1, \"pass\": true}\n", request.ID)
	}
}

// serveHTTP answers POST / with {"output": input}, and as the input asks.
func serveHTTP(addr string) {
	busy := map[string]bool{}
	handle := func(w http.ResponseWriter, r *http.Request) {
		var request struct{ Input string }
		_ = json.NewDecoder(r.Body).Decode(&request)
		switch request.Input {
		case "500":
			http.Error(w, "out of memory", http.StatusInternalServerError)
		case "html":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>It works!</html>")
		case "busy":
			if !busy[r.Header.Get("X-Case")] {
				busy[r.Header.Get("X-Case")] = true
				w.Header().Set("Retry-After", "1")
				http.Error(w, "slow down", http.StatusTooManyRequests)
				return
			}
			fallthrough
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"output": request.Input})
		}
	}
	http.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("POST /", handle)
	if err := http.ListenAndServe(addr, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// awaitServer returns when something listens on the address.
func awaitServer(addr string) {
	for range 500 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	os.Exit(1)
}

func get(address string) {
	r, err := http.Get(address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer r.Body.Close()
	_, _ = io.Copy(os.Stdout, r.Body)
}
