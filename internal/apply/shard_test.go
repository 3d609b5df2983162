package apply_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/fly-placer/fly-placer/internal/apply"
)

// The simulator's clock jumps when the whole process is at rest, so that cases
// of a sweep do not run beside each other in one. They are dealt out to
// processes with one core each, which are this test binary again.
const (
	// sweepEnv is set by `make sweep`, which leaves nothing out.
	sweepEnv = "SWEEP"
	// shardEnv is I/N: this is share I of N, counted from 1.
	shardEnv = "SHARD"
	// childEnv is set in those processes.
	childEnv = "APPLY_SHARD"
)

// whole tells whether the sweeps leave nothing out.
func whole() bool { return os.Getenv(sweepEnv) != "" }

// A trial is one case of a sweep. It returns how the apply ended and what is
// wrong.
type trial struct {
	name string
	run  func(t *testing.T) (apply.Outcome, []string)
}

// A tally is what came of a sweep.
type tally struct {
	Runs, Broken int
	Outcomes     map[apply.Outcome]int
}

func (a *tally) add(b tally) {
	a.Runs, a.Broken = a.Runs+b.Runs, a.Broken+b.Broken
	for o, n := range b.Outcomes {
		a.Outcomes[o] += n
	}
}

// sweep tries all, each in one of the processes, and logs what came of it
// after what they are.
func sweep(t *testing.T, what string, all []trial) {
	t.Helper()
	sweepBeside(t, what, all, 1)
}

// sweepBeside tries several at the same time in each process.
func sweepBeside(t *testing.T, what string, all []trial, beside int) {
	t.Helper()
	if given := os.Getenv(childEnv); given != "" {
		i, n := share(t, given)
		sum := tryShare(t, all, beside, func(k int) bool { return k%n == i })
		line, err := json.Marshal(sum)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\n%s%s\n", tallied, line)
		return
	}
	i, n := 0, 1
	if given := os.Getenv(shardEnv); given != "" {
		i, n = share(t, given)
	}
	cores := runtime.GOMAXPROCS(0)
	sums := make([]tally, cores)
	var group sync.WaitGroup
	for k := range cores {
		group.Go(func() { sums[k] = child(t, i*cores+k, n*cores) })
	}
	group.Wait()
	sum := tally{Outcomes: map[apply.Outcome]int{}}
	for _, s := range sums {
		sum.add(s)
	}
	if n == 1 && sum.Runs != len(all) {
		t.Errorf("%d of %d runs came to an end", sum.Runs, len(all))
	}
	text := fmt.Sprintf("%s: %d runs, %d with violations; outcomes %v", what, sum.Runs, sum.Broken, sum.Outcomes)
	t.Log(text)
	if whole() {
		closing = append(closing, text)
	}
}

// closing are the last lines of `make sweep`.
var closing []string

const tallied = "tally: "

// share reads I/N, and counts from 0.
func share(t *testing.T, given string) (i, n int) {
	t.Helper()
	if _, err := fmt.Sscanf(given, "%d/%d", &i, &n); err != nil || i < 1 || i > n {
		t.Fatalf("%q is not I/N with I from 1 to N", given)
	}
	return i - 1, n
}

// tryShare tries those that are in the share.
func tryShare(t *testing.T, all []trial, beside int, mine func(int) bool) tally {
	sum := tally{Outcomes: map[apply.Outcome]int{}}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(beside)
	for k, one := range all {
		if !mine(k) {
			continue
		}
		group.Go(func() error {
			var outcome apply.Outcome
			var bad []string
			t.Run(one.name, func(t *testing.T) { outcome, bad = one.run(t) }) // its servers end with it
			mu.Lock()
			defer mu.Unlock()
			sum.Runs++
			sum.Outcomes[outcome]++
			if len(bad) == 0 {
				return nil
			}
			if sum.Broken++; sum.Broken <= 20 {
				t.Errorf("%s:\n%s", one.name, strings.Join(bad, "\n"))
				fmt.Fprintf(os.Stderr, "%s:\n%s\n", one.name, strings.Join(bad, "\n")) // at once: a sweep is long
			}
			return nil
		})
	}
	_ = group.Wait() // none fails
	return sum
}

// child runs the calling test in a process of its own.
func child(t *testing.T, i, n int) tally {
	self, err := os.Executable()
	if err != nil {
		t.Error(err)
		return tally{}
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.timeout=0")
	stdin, err := cmd.StdinPipe() // its end is the child's
	if err != nil {
		t.Error(err)
		return tally{}
	}
	defer stdin.Close()
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d/%d", childEnv, i+1, n), "GOMAXPROCS=1", "GOGC=400")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	sum := tally{}
	before, after, found := bytes.Cut(out, []byte(tallied))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	if jsonErr := json.Unmarshal(line, &sum); err != nil || !found || jsonErr != nil {
		t.Errorf("share %d of %d: %v\n%s", i+1, n, err, before)
	}
	return sum
}

// sample picks about most of n cases, from 1, evenly, or all. Which ones depends
// on the shift.
func sample(n, most, shift int) []int {
	step := 1
	if !whole() && n > most {
		step = (n + most - 1) / most
	}
	var picked []int
	for i := 1 + shift%step; i <= n; i += step {
		picked = append(picked, i)
	}
	return picked
}
