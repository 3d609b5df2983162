package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/placement"
)

// solve answers a problem file on standard output: docs/solve.md. It touches
// nothing else, and needs no token.
func (r *run) solve(ctx context.Context) int {
	name := r.cfg.ProblemFile
	if name == "-" {
		name = "standard input"
	}
	data, err := r.problemFile()
	if err != nil {
		return r.fail(ctx, err, exitUsage)
	}
	p, err := placement.Decode(data)
	if err != nil {
		var errs []error
		for _, e := range each(err) {
			errs = append(errs, fmt.Errorf("%s: %w", name, e))
		}
		return r.fail(ctx, errors.Join(errs...), exitUsage)
	}
	// The solver has no end but its work: an interrupt ends the program and
	// leaves it behind.
	type answered struct {
		placement.Answer
		err error
	}
	done := make(chan answered, 1)
	go func() {
		a, err := r.answer(p)
		done <- answered{a, err}
	}()
	select {
	case <-ctx.Done():
		return r.fail(ctx, fmt.Errorf("solve %s: interrupted", name), exitFailed)
	case a := <-done:
		if a.err == nil {
			a.err = r.printAnswer(a.Answer)
		}
		if a.err != nil {
			return r.fail(ctx, fmt.Errorf("solve %s: %w", name, a.err), exitFailed)
		}
		if len(a.Placement) == 0 {
			return exitFailed
		}
		return exitOK
	}
}

// problemFile reads the file that is to be solved.
func (r *run) problemFile() ([]byte, error) {
	name, in := "standard input", r.Stdin
	if r.cfg.ProblemFile != "-" {
		name = r.cfg.ProblemFile
		f, err := os.Open(r.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, hint.Wrap(fmt.Errorf("read %s: there is no such file", name), "plan writes a problem.json to report-dir; Fly Placer's docs/examples has others")
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		defer f.Close()
		in = f
	}
	if in == nil {
		return nil, errors.New("read standard input: there is none")
	}
	data, err := io.ReadAll(io.LimitReader(in, placement.MaxFile+1)) // Decode refuses what is longer
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// answer solves p, and what was asked for besides.
func (r *run) answer(p placement.Problem) (placement.Answer, error) {
	var a placement.Answer
	var err error
	within := placement.Within(p, r.cfg.TimeLimit)
	if a.Solution, err = placement.Solve(p, within); err != nil {
		return a, err
	}
	if r.cfg.Explain {
		if a.Explanation, err = placement.Explain(p, a.Solution, within); err != nil {
			return a, err
		}
	}
	if r.cfg.Frontier {
		a.Frontier, err = placement.Frontier(p, a.Solution, within)
	}
	return a, err
}

func (r *run) printAnswer(a placement.Answer) error {
	enc := json.NewEncoder(r.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(a)
}
