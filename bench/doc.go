// Package bench measures the solver beside others, and the plans beside what
// people do without one. It has tests only:
//
//   - plain problems (facility location, p-median), whole process against whole
//     process: fly-placer solve, cbc (COIN-OR) and glpsol (GLPK);
//   - the same with whole Machines and every edge at its closest region, all
//     under one time limit;
//   - the plan for Fly.io's regions against keeping what runs, the regions with
//     the most traffic, greedy addition, and thresholds.
//
// go test ./bench checks the parts that the figures rest on. What takes minutes
// runs with -tables, which is make bench: it prints Markdown, and with -update
// writes it into docs/benchmarks.md. -quick measures a part.
package bench
