package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/placement/orlib"
)

// publishedDir is the folder of the published instances.
func publishedDir() (string, error) {
	dir := os.Getenv("FLY_PLACER_SOLVER_DATA")
	if dir == "" {
		dir = filepath.Join("..", "shared", "data", "solver")
	}
	return filepath.Abs(dir)
}

// checkCondition knows the condition [published]: the published instances are
// there.
func checkCondition(name string) (bool, error) {
	dir, err := publishedDir()
	if err != nil || name != "published" {
		return false, err
	}
	_, err = os.Stat(dir)
	return err == nil, nil
}

// provePublished writes each instance down as docs/solve.md says, solves the
// file, and compares with the published optimum.
func provePublished(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: proves NAME...")
	}
	dir, err := publishedDir()
	ts.Check(err)
	for _, name := range args {
		in, err := orlib.Read(dir, name)
		ts.Check(err)
		data, err := placement.Encode(textbook(in))
		ts.Check(err)
		file := ts.MkAbs(name + ".json")
		ts.Check(os.WriteFile(file, data, 0o600))
		start := time.Now()
		ts.Check(ts.Exec("fly-placer", "solve", file))
		took := time.Since(start)
		var sol placement.Solution
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &sol))
		if sol.Status != placement.Optimal || math.Abs(sol.Objective-in.Optimum) > 1e-3 || in.Open > 0 && len(sol.Open) != in.Open {
			ts.Fatalf("%s: %s %v with %d open; the optimum is %v", name, sol.Status, sol.Objective, len(sol.Open), in.Optimum)
		}
		ts.Logf("%s: %d × %d, %v in %d nodes, %v", name, len(in.Fixed), len(in.Cost), sol.Objective, sol.Nodes, took.Round(time.Millisecond))
	}
}

// textbook states an instance as docs/solve.md says under "Textbook problems".
func textbook(in orlib.Instance) placement.Problem {
	p := placement.Problem{Version: 1, Name: in.Name, ValuePerMS: float64(len(in.Cost)), LatencyMS: in.Cost}
	p.Limits.MinRegions, p.Limits.MaxRegions = in.Open, in.Open
	for s, usd := range in.Fixed {
		p.Candidates = append(p.Candidates, placement.Candidate{Region: "facility " + strconv.Itoa(s+1), MachineCost: usd})
	}
	for e := range in.Cost {
		p.Edges = append(p.Edges, placement.Edge{Region: "client " + strconv.Itoa(e+1), Requests: 1})
	}
	return p
}
