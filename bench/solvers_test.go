package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/placement"
)

// A solver is a command that answers a file.
type solver struct {
	name string
	// json tells problem.json from LP.
	json bool
	// args are the command's, for an LP or JSON file and a file for the answer.
	args func(file, out string, limit time.Duration) []string
	// read is what the log and the answer say.
	read func(log, out string) (answer, error)
}

// An answer is what a solver says of a problem; placement is ours only.
type answer struct {
	proven           bool
	objective, bound float64 // NaN: none
	placement        map[string]int
	took             time.Duration
}

func (a answer) gap() float64 { return (a.objective - a.bound) / math.Abs(a.objective) }

// ours builds the program as a release is, and returns it as a solver.
func ours(t *testing.T) solver {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fly-placer")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return solver{
		name: "fly-placer", json: true,
		args: func(file, _ string, limit time.Duration) []string {
			return []string{program, "solve", file, "--time-limit", limit.String()}
		},
		read: func(log, _ string) (answer, error) {
			var s placement.Solution
			if err := json.Unmarshal([]byte(log), &s); err != nil {
				return answer{}, err
			}
			if s.Status != placement.Optimal && s.Status != placement.Feasible {
				return answer{objective: math.NaN(), bound: math.NaN()}, nil
			}
			return answer{proven: s.Status == placement.Optimal, objective: s.Objective, bound: s.Bound, placement: s.Placement}, nil
		},
	}
}

// peers are those of the candidates that are installed; the test is skipped
// without any. Debian has all.
func peers(t *testing.T, candidates ...solver) []solver {
	t.Helper()
	var list []solver
	for _, s := range candidates {
		program := s.args("", "", 0)[0]
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("%s is not installed, so %s is left out: apt-get install coinor-cbc glpk-utils", program, s.name)
			continue
		}
		list = append(list, s)
	}
	if list == nil {
		t.Skip("no other solver is installed: apt-get install coinor-cbc glpk-utils")
	}
	return list
}

// cbc is COIN-OR's branch and cut as it comes.
func cbc() solver { return cbcWith("CBC") }

// bare is CBC without what it does before it branches, which takes longer than
// it saves on some easy problems.
func bare() solver {
	return cbcWith("CBC, bare", "-preprocess", "off", "-cutsOnOff", "off", "-heuristicsOnOff", "off")
}

func cbcWith(name string, options ...string) solver {
	return solver{
		name: name,
		args: func(file, _ string, limit time.Duration) []string {
			return slices.Concat([]string{"cbc", file, "-sec", strconv.Itoa(int(limit.Seconds()))}, options, []string{"-solve", "-quit"})
		},
		read: func(log, _ string) (answer, error) {
			// "Result - Optimal solution found", "Objective value:  28.00000000", "Lower bound:  27.412".
			a := answer{objective: field(log, `(?m)^Objective value: +(\S+)$`), bound: field(log, `(?m)^Lower bound: +(\S+)$`)}
			switch {
			case strings.Contains(log, "Result - Optimal solution found"):
				a.proven = true
				a.bound = a.objective
			case !strings.Contains(log, "Result - Stopped on time limit"):
				return a, errors.New("neither optimal nor out of time")
			}
			return a, nil
		},
	}
}

// glpk is the GNU linear programming kit.
func glpk() solver {
	return solver{
		name: "GLPK",
		args: func(file, out string, limit time.Duration) []string {
			return []string{"glpsol", "--lp", file, "--tmlim", strconv.Itoa(int(limit.Seconds())), "-w", out}
		},
		read: func(log, out string) (answer, error) {
			// The answer has "s mip ROWS COLUMNS STATUS OBJECTIVE", with o for
			// optimal and f for feasible; the log's progress "mip = 28 >= 27.4".
			a := answer{objective: math.NaN(), bound: math.NaN()}
			text, err := os.ReadFile(out)
			if errors.Is(err, os.ErrNotExist) { // stopped before there was a solution
				return a, nil
			}
			if err != nil {
				return a, err
			}
			if bounds := regexp.MustCompile(`(?m)^\+.* >= +(-?\d\S+) `).FindAllStringSubmatch(log, -1); bounds != nil {
				a.bound, _ = strconv.ParseFloat(bounds[len(bounds)-1][1], 64)
			}
			s := regexp.MustCompile(`(?m)^s mip \d+ \d+ ([ofun]) (\S+)$`).FindStringSubmatch(string(text))
			if s == nil {
				return a, errors.New("the answer has no line for the solution")
			}
			if s[1] == "o" || s[1] == "f" {
				a.objective, err = strconv.ParseFloat(s[2], 64)
			}
			if s[1] == "o" {
				a.proven, a.bound = true, a.objective
			}
			return a, err
		},
	}
}

// field is the number that the pattern finds, NaN without one.
func field(text, pattern string) float64 {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// A files value is one problem, stated for every solver.
type files struct{ json, lp string }

// write states p in both forms, in a new folder.
func write(t *testing.T, p placement.Problem) files {
	t.Helper()
	dir := t.TempDir()
	f := files{filepath.Join(dir, "problem.json"), filepath.Join(dir, "problem.lp")}
	data, err := placement.Encode(p)
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	var program bytes.Buffer
	if err := writeLP(&program, p); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	for name, content := range map[string][]byte{f.json: data, f.lp: program.Bytes()} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// solve runs the command once, and times all of it.
func (s solver) solve(t *testing.T, f files, limit time.Duration) answer {
	t.Helper()
	file := f.lp
	if s.json {
		file = f.json
	}
	out := filepath.Join(filepath.Dir(file), "answer")
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	// The limit is the solver's own business; this one is for a solver that forgets it.
	ctx, cancel := context.WithTimeout(t.Context(), 6*limit+time.Minute)
	defer cancel()
	args := s.args(file, out, limit)
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	var log, failure bytes.Buffer
	command.Stdout, command.Stderr = &log, &failure
	start := time.Now()
	failed := command.Run()
	took := time.Since(start)
	a, err := s.read(log.String(), out)
	if err != nil {
		t.Fatalf("%s, %s: %v, %v\n%s%s", s.name, file, failed, err, tail(log.String()), tail(failure.String()))
	}
	a.took = took
	return a
}

// tail is the end of a log.
func tail(log string) string {
	return log[max(0, len(log)-2000):]
}
