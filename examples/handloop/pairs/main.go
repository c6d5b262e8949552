// Command pairs runs two commands in turn, as whole processes, and compares
// them: the median of each, and the median of the ratios within the pairs.
//
//	pairs -pairs 5 -most 1.3 -- FIRST ARGS… -- SECOND ARGS…
//
// Its exit code is 1 when a limit is not kept or a command fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "pairs:", err)
		os.Exit(1)
	}
}

// config is what the flags say. A limit of 0 is none.
type config struct {
	pairs         int
	clean         string
	most          float64 // wall time of the first over that of the second
	memory        float64 // the same of peak memory
	megabytes     float64 // peak memory of the first
	milliseconds  float64 // wall time of the first
	first, second []string
}

func parse(args []string, stderr io.Writer) (config, error) {
	var c config
	flags := flag.NewFlagSet("pairs", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&c.pairs, "pairs", 5, "how many pairs to run; with more than one, a pair that is not counted goes first")
	flags.StringVar(&c.clean, "clean", "", "folder to remove before each run")
	flags.Float64Var(&c.most, "most", 0, "the highest ratio of wall times that passes")
	flags.Float64Var(&c.memory, "memory", 0, "the highest ratio of peak memory that passes")
	flags.Float64Var(&c.megabytes, "megabytes", 0, "the most memory of the first command that passes")
	flags.Float64Var(&c.milliseconds, "milliseconds", 0, "the longest wall time of the first command that passes")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	rest := flags.Args()
	middle := slices.Index(rest, "--")
	if middle < 1 || middle == len(rest)-1 || c.pairs < 1 {
		return c, fmt.Errorf("two commands are needed, with -- between them, and at least one pair")
	}
	c.first, c.second = rest[:middle], rest[middle+1:]
	return c, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	var first, second []usage
	warm := min(c.pairs-1, 1)
	for i := range c.pairs + warm {
		a, err := measure(ctx, c.first, c.clean, stderr)
		if err != nil {
			return err
		}
		b, err := measure(ctx, c.second, c.clean, stderr)
		if err != nil {
			return err
		}
		if i >= warm {
			first, second = append(first, a), append(second, b)
		}
	}
	return c.report(first, second, stdout)
}

// usage is what one process took.
type usage struct {
	wall   time.Duration
	cpu    time.Duration
	memory float64 // peak, in MB of 1,000,000 bytes; 0 when not known
}

// measure runs a command to its end.
func measure(ctx context.Context, argv []string, clean string, stderr io.Writer) (usage, error) {
	if clean != "" {
		if err := os.RemoveAll(clean); err != nil {
			return usage{}, err
		}
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = stderr
	started := time.Now()
	err := cmd.Run()
	wall := time.Since(started)
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	s := cmd.ProcessState
	return usage{wall: wall, cpu: s.UserTime() + s.SystemTime(), memory: peakMemory(s)}, nil
}

// report prints the comparison and says which limits are not kept.
func (c config) report(first, second []usage, w io.Writer) error {
	wall := func(u usage) float64 { return u.wall.Seconds() * 1000 }
	cpu := func(u usage) float64 { return u.cpu.Seconds() * 1000 }
	memory := func(u usage) float64 { return u.memory }
	line := func(what string, of func(usage) float64) (float64, float64) {
		a, b, r := medians(first, second, of)
		fmt.Fprintf(w, "  %-8s %12.1f %12.1f   ratio %.3f\n", what, a, b, r)
		return a, r
	}
	fmt.Fprintf(w, "  %-8s %12s %12s   medians of %d pairs\n", "", "first", "second", len(first))
	took, ratio := line("wall ms", wall)
	line("cpu ms", cpu)
	peak, memoryRatio := line("peak MB", memory)
	var missed []string
	limit := func(what string, value, most float64) {
		if most > 0 && !(value <= most) {
			missed = append(missed, fmt.Sprintf("%s is %.3f, at most %v was to be", what, value, most))
		}
	}
	limit("the ratio of wall times", ratio, c.most)
	limit("the ratio of peak memory", memoryRatio, c.memory)
	limit("the first's peak memory in MB", peak, c.megabytes)
	limit("the first's wall time in ms", took, c.milliseconds)
	if len(missed) > 0 {
		return fmt.Errorf("%s", strings.Join(missed, "; "))
	}
	return nil
}

// medians gives that of each and that of the ratios within the pairs.
func medians(first, second []usage, of func(usage) float64) (a, b, ratio float64) {
	var as, bs, ratios []float64
	for i := range first {
		x, y := of(first[i]), of(second[i])
		as, bs, ratios = append(as, x), append(bs, y), append(ratios, x/y)
	}
	return median(as), median(bs), median(ratios)
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
