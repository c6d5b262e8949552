package process_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/evalrun/evalrun/harness/process"
	"go.uber.org/goleak"
)

// childEnv makes the test binary behave as one of the programs below.
const childEnv = "PROCESS_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childEnv); mode != "" {
		child(mode)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// self is a Command that starts the test binary as a child.
func self(mode string, args ...string) process.Command {
	return process.Command{Argv: append([]string{os.Args[0]}, args...), Env: map[string]string{childEnv: mode}}
}

func child(mode string) {
	switch mode {
	case "echo":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "deaf": // does not read its input
		fmt.Print("deaf")
	case "args":
		_ = json.NewEncoder(os.Stdout).Encode(os.Args[1:])
	case "env":
		_ = json.NewEncoder(os.Stdout).Encode(os.Environ())
	case "dir":
		dir, _ := os.Getwd()
		fmt.Print(dir)
	case "fail":
		fmt.Print("half an answer")
		fmt.Fprintln(os.Stderr, "first line\nboom: no model")
		os.Exit(7)
	case "noise": // a lot on standard error
		for i := range 100_000 {
			fmt.Fprintf(os.Stderr, "line %d \xff\n", i)
		}
		os.Exit(1)
	case "flood": // 100 MB
		block := strings.Repeat("x", 1<<20)
		for range 100 {
			fmt.Print(block)
		}
	case "hang":
		fmt.Fprintln(os.Stderr, "thinking")
		time.Sleep(time.Hour)
	case "stubborn": // does not end when asked to
		signal.Ignore(syscall.SIGTERM)
		fmt.Fprintln(os.Stderr, "never")
		time.Sleep(time.Hour)
	case "polite": // ends well when asked to, without an answer
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Print("half an ")
		<-c
	case "parent": // leaves a grandchild that holds standard output and error
		fmt.Println(startSelf("stubborn"))
	case "keeper": // runs a process by this package and is killed meanwhile
		fmt.Println(os.Getpid())
		_, _ = process.Run(context.Background(), self("announce"), nil)
	case "announce":
		fmt.Fprintln(os.Stderr, "up")
		_ = os.WriteFile(os.Getenv("HOME")+"/pid", fmt.Append(nil, os.Getpid()), 0o600)
		time.Sleep(time.Hour)
	case "worker":
		worker()
	case "serve":
		serve(os.Args[1])
	default:
		fmt.Fprintln(os.Stderr, "no such mode:", mode)
		os.Exit(99)
	}
}

// startSelf starts a grandchild with our standard streams and gives its number.
func startSelf(mode string) int {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+mode)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd.Process.Pid
}

// worker answers JSON lines; the input says how.
func worker() {
	fmt.Fprintln(os.Stderr, "worker ready")
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var request struct{ ID, Input string }
		if err := json.Unmarshal(line, &request); err != nil {
			fmt.Fprintln(os.Stderr, "bad request:", err)
			os.Exit(98)
		}
		answer := func(id string, output any) {
			data, _ := json.Marshal(map[string]any{"id": id, "output": output, "n": n, "pid": os.Getpid()})
			_, _ = os.Stdout.Write(append(data, '\n'))
		}
		if path, ok := strings.CutPrefix(request.Input, "twice, then make "); ok {
			answer(request.ID, "x")
			answer(request.ID, "y")
			_ = os.WriteFile(path, nil, 0o600)
			continue
		}
		switch request.Input {
		case "die":
			fmt.Fprintln(os.Stderr, "Traceback: out of memory")
			os.Exit(3)
		case "leave":
			os.Exit(0)
		case "answer and leave":
			answer(request.ID, "bye")
			os.Exit(4)
		case "hang":
			time.Sleep(time.Hour)
		case "half and hang":
			fmt.Print(`{"id": `)
			time.Sleep(time.Hour)
		case "stubborn":
			signal.Ignore(syscall.SIGTERM)
			time.Sleep(time.Hour)
		case "close":
			os.Stdout.Close()
			time.Sleep(time.Hour)
		case "garbage":
			fmt.Println("Loading model… \x1b[31m42%")
		case "html":
			fmt.Println("<html>")
		case "half":
			fmt.Print(`{"id": "`)
			os.Exit(0)
		case "wrong id":
			answer("other", "x")
		case "no id":
			fmt.Println(`{"output": "x"}`)
		case "twice":
			answer(request.ID, "x")
			answer(request.ID, "y")
		case "twice at once":
			_, _ = fmt.Fprintf(os.Stdout, "{\"id\": %[1]q, \"output\": \"x\"}\n{\"id\": %[1]q, \"output\": \"y\"}\n", request.ID)
		case "trial 1":
			fmt.Printf("{\"id\": %q, \"trial\": 1, \"output\": \"x\"}\n", request.ID)
		case "blank after":
			_, _ = fmt.Fprintf(os.Stdout, "{\"id\": %q, \"output\": \"x\"}\n\n \r\n", request.ID)
		case "blank":
			fmt.Print("\n  \n")
			answer(request.ID, "after blank lines")
		case "flood":
			block := strings.Repeat("x", 1<<20)
			for range 100 {
				fmt.Print(block)
			}
		default:
			answer(request.ID, request.Input)
		}
	}
}

// serve listens at an address and answers /health with 503 twice, then 200.
func serve(addr string) {
	fmt.Println("listening on", addr)
	asked := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) {
		fmt.Fprintln(os.Stderr, "fatal: told to")
		os.Exit(5)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(addr, mux))
	os.Exit(1)
}
