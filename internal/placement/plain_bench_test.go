package placement

import (
	"fmt"
	"testing"
	"time"
)

func benchmarkProblems(b *testing.B, problems ...Problem) {
	var times []time.Duration
	nodes := 0
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		sol, err := Solve(problems[i%len(problems)], Options{})
		times = append(times, time.Since(start))
		if err != nil || sol.Status != Optimal {
			b.Fatalf("%s: %s, %v", problems[i%len(problems)].Name, sol.Status, err)
		}
		nodes = max(nodes, sol.Nodes)
	}
	report(b, times)
	b.ReportMetric(float64(nodes), "worst-nodes")
}

// Run with -benchtime 200x for the figures of docs/design.md §11.
func BenchmarkPlainPublished(b *testing.B) {
	dir := instances(b)
	for _, name := range []string{"cap71", "cap101", "cap131", "cap133", "pmed1", "pmed2", "pmed3", "pmed6", "111EuclS.txt", "211EuclS.txt", "B_B1.1", "B_B1.2", "B_B1.3", "MO1"} {
		p, _ := published(b, dir, name)
		b.Run(name, func(b *testing.B) { benchmarkProblems(b, p) })
	}
}

func BenchmarkPlainGraph(b *testing.B) {
	for _, size := range [][2]int{{100, 5}, {100, 20}, {100, 33}, {200, 20}, {200, 67}, {300, 30}, {400, 5}, {400, 40}, {400, 133}} {
		p := graph(1, size[0], size[1])
		b.Run(fmt.Sprintf("%d-of-%d", size[1], size[0]), func(b *testing.B) { benchmarkProblems(b, p) })
	}
}

func BenchmarkPlainScattered(b *testing.B) {
	for _, n := range []int{18, 35, 60, 200, 400} {
		for _, most := range []int{0, 5} {
			var list []Problem
			for seed := range uint64(100) {
				list = append(list, scattered(seed, n, n, most))
			}
			b.Run(fmt.Sprintf("%dx%d,most=%d", n, n, most), func(b *testing.B) { benchmarkProblems(b, list...) })
		}
	}
}
