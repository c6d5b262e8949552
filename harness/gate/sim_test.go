package gate_test

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

// The simulation in full, and its tables:
//
//	go test ./harness/gate -run Sim -sim.runs 20000 -sim.table out.md -timeout 3h
//
// Without the flags a part of the designs is drawn a few times.
var (
	simRuns  = flag.Int("sim.runs", 0, "runs of each design that are simulated")
	simTable = flag.String("sim.table", "", "a file to add the tables to, in markdown")
)

const fewRuns = 300

// simulation is how many runs of which designs.
func simulation(all []cell) (some []cell, times int) {
	if *simRuns > 0 {
		return all, *simRuns
	}
	for i, c := range all {
		if i%5 == 1 && c.n*c.k*max(c.metrics, 1) <= 200 && c.kind != bounded {
			some = append(some, c)
		}
	}
	return some, fewRuns
}

// table writes rows where the flag says.
func table(t *testing.T, header string) io.Writer {
	if *simTable == "" {
		return io.Discard
	}
	f, err := os.OpenFile(*simTable, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, f.Close()) })
	fmt.Fprintf(f, "\n%s\n", header)
	return f
}

// percent is a share in percent, with one decimal.
func percent(count, of int) string { return fmt.Sprintf("%.1f", 100*rate(count, of)) }

// sigma is the standard error of a share that is simulated.
func sigma(p float64, times int) float64 { return math.Sqrt(p * (1 - p) / float64(times)) }

// An app that did not change must not fail.
func TestSimFalseAlarms(t *testing.T) { falseAlarms(t, nulls(), 0) }

func TestSimOtherFalseAlarms(t *testing.T) { falseAlarms(t, otherNulls(), 500) }

func falseAlarms(t *testing.T, all []cell, seed uint64) {
	cells, times := simulation(all)
	out := table(t, fmt.Sprintf("False alarms in %%, %d runs a row.\n\n| design | evalrun | any drop | 2 points | unpaired z | covers |\n|---|---|---|---|---|---|", times))
	for i, c := range cells {
		o := simulate(t, c.world, c.check, harness.Fail, times, seed+uint64(i))
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", c, percent(o.ours, times), percent(o.anyDrop, times),
			percent(o.twoPoints, times), percent(o.unpaired, times), percent(o.covered, max(o.intervals, 1)))
		most := 0.05
		if c.clusters > 0 && c.clusters < 10 {
			most = 0.07
		}
		assert.LessOrEqual(t, rate(o.ours, times), most+3*sigma(most, times), "%s: false alarms", c)
		if c.n >= 50 && o.intervals > 0 && c.clusters == 0 {
			assert.GreaterOrEqual(t, rate(o.covered, o.intervals), 0.94-3*sigma(0.95, times), "%s: coverage", c)
		}
	}
}

// A drop is found as often as by the best simple test.
func TestSimPower(t *testing.T) {
	cells, times := simulation(drops())
	out := table(t, fmt.Sprintf("Found in %%, %d runs a row; the reference is McNemar's mid-p or the paired t-test.\n\n| design | drop | evalrun | reference | any drop | 2 points | unpaired z | covers |\n|---|---|---|---|---|---|---|---|", times))
	for i, c := range cells {
		o := simulate(t, c.world, c.check, harness.Fail, times, 1000+uint64(i))
		fmt.Fprintf(out, "| %s | %g %% | %s | %s | %s | %s | %s | %s |\n", c, 100*c.drop, percent(o.ours, times), percent(o.reference, times),
			percent(o.anyDrop, times), percent(o.twoPoints, times), percent(o.unpaired, times), percent(o.covered, max(o.intervals, 1)))
		noise := 3 * math.Sqrt(float64(o.differ)) / float64(times)
		assert.GreaterOrEqual(t, rate(o.ours, times), rate(o.reference, times)-0.02-noise, "%s, drop %g", c, c.drop)
	}
}

// The smallest drop that is printed is found in 80 % of the runs: of the runs of an
// app that did not change, the median.
func TestSimSmallestDrop(t *testing.T) {
	cells, times := simulation(smallests())
	out := table(t, fmt.Sprintf("How often the printed smallest drop is found, in %%, %d runs a row.\n\n| design | smallest drop (points) | found |\n|---|---|---|", times))
	for i, c := range cells {
		printed := simulate(t, c.world, c.check, harness.Fail, times, 2000+uint64(i)).smallest
		if !assert.Less(t, printed, c.p, "%s", c) {
			continue
		}
		c.drop = printed
		o := simulate(t, c.world, c.check, harness.Fail, times, 3000+uint64(i))
		fmt.Fprintf(out, "| %s | %.1f | %s |\n", c, 100*printed, percent(o.first, times))
		assert.InDelta(t, 0.8, rate(o.first, times), c.within+3*sigma(0.8, times), "%s: a drop of %g", c, printed)
	}
}

// What is not so is not proven: a drop of the margin, or a limit that the true
// rate just has.
func TestSimFalseProofs(t *testing.T) {
	cells, times := simulation(proofs())
	out := table(t, fmt.Sprintf("Wrong proofs in %%, %d runs a row.\n\n| design | true drop | check | passes | the mean is enough |\n|---|---|---|---|---|", times))
	for i, c := range cells {
		o := simulate(t, c.world, c.check, harness.Pass, times, 4000+uint64(i))
		fmt.Fprintf(out, "| %s | %g | %s | %s | %s |\n", c, c.drop, c.check, percent(o.ours, times), percent(o.plain, times))
		most := 0.05
		if c.clusters > 0 { // of which there are ten
			most = 0.07
		}
		assert.LessOrEqual(t, rate(o.ours, times), most+3*sigma(most, times), "%s: %s", c, c.check)
	}
}
