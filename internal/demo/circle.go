package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fly-placer/fly-placer/internal/action"
	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

const (
	decisionFile = ".fly-placer/shop.yml"
	policyFile   = ".github/fly-placer.yml"
	// policy spares the demo the waits that Fly.io needs.
	policy = "defaults: {soak: 0s, api-rate: 0}\n"
)

// A stage runs the program as a workflow does, for one event after the other.
type stage struct {
	*world
	process action.Process // of whoever watches
	dir     string         // the workspace
	now     func() time.Time

	mu     sync.Mutex
	fewest int // Machines that served at any moment of an apply
}

// perform tells the story: traffic shifted, a plan, a pull request, its review and
// merge, the apply, and the way back.
func (s *stage) perform(ctx context.Context) error {
	s.say(intro)
	night, err := s.ghsim.Events(s.github).Schedule("17 5 * * *")
	if err != nil {
		return err
	}
	out, err := s.run(ctx, night)
	if err != nil {
		return err
	}
	s.say("1. Every night: plan, and propose what differs\n")
	s.quote(answer(out))
	if err := s.planned(); err != nil {
		return err
	}
	number, err := s.proposed()
	if err != nil {
		return err
	}
	s.say("\n2. Review: ann approves and merges #%d\n", number)
	if err := s.ghsim.Review(number, "ann", "APPROVED"); err != nil {
		return err
	}
	push, err := s.ghsim.Merge(number, "ann", "squash")
	if err != nil {
		return err
	}
	s.say("\n3. The push applies it: what is new serves before what is old leaves\n")
	if err := s.apply(ctx, push); err != nil {
		return err
	}
	s.say("\n4. git revert, and back\n")
	push, err = s.ghsim.Revert(push.After, "ann")
	if err != nil {
		return err
	}
	return s.apply(ctx, push)
}

func (s *stage) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.process.Stdout, format, args...)
}

// quote shows what the program printed.
func (s *stage) quote(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		_, _ = io.WriteString(s.process.Stdout, strings.TrimRight("   "+line, " \n")+"\n")
	}
}

// answer is the first paragraph of what the program printed.
func answer(text string) string {
	first, _, _ := strings.Cut(text, "\n\n")
	return first
}

// planned shows what plan.json says of each region that changes.
func (s *stage) planned() error {
	var plan struct {
		Groups map[string]struct {
			Current, Placement map[string]int
			Changes            []struct {
				Region string
				Share  float64
				USD    float64 `json:"usd_machines"`
			}
		}
	}
	if err := s.read("plan.json", &plan); err != nil {
		return err
	}
	for _, c := range plan.Groups["web"].Changes {
		g := plan.Groups["web"]
		does := "serves"
		if g.Placement[c.Region] == 0 {
			does = "would serve"
		}
		sign := "+"
		if c.USD < 0 {
			sign = "−"
		}
		s.say("   %s  %d → %d  %11s %2.0f%% of requests %8s a month\n", c.Region, g.Current[c.Region], g.Placement[c.Region], does, 100*c.Share, sign+fmt.Sprintf("$%.2f", math.Abs(c.USD)))
	}
	return nil
}

// read reads a file of report-dir.
func (s *stage) read(name string, into any) error {
	data, err := os.ReadFile(filepath.Join(s.dir, "report", name))
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// proposed shows the open pull request and its file.
func (s *stage) proposed() (number int, err error) {
	pulls := s.ghsim.Pulls()
	i := slices.IndexFunc(pulls, func(p ghsim.Pull) bool { return p.Open && p.Head != "change-7" })
	if i < 0 {
		return 0, errors.New("find the proposal: there is no open pull request")
	}
	file, _ := s.ghsim.File(pulls[i].Head, decisionFile)
	s.say("\n   Pull request #%d, %q, writes %s:\n", pulls[i].Number, pulls[i].Title, decisionFile)
	for line := range strings.Lines(string(file)) {
		if strings.Contains(line, "placement:") || strings.Contains(line, "assumes:") {
			s.say("   %s", line)
		}
	}
	return pulls[i].Number, nil
}

// apply runs the program for a push and shows its steps, those of one kind on a line.
func (s *stage) apply(ctx context.Context, push ghsim.Push) error {
	e, err := s.ghsim.Events(s.github).Push(push)
	if err != nil {
		return err
	}
	before := s.serving()
	s.mu.Lock()
	s.fewest = before
	s.mu.Unlock()
	out, err := s.run(ctx, e)
	if err != nil {
		return err
	}
	var result struct {
		Steps []struct{ What, Region string } `json:"steps"`
	}
	if err := s.read("result.json", &result); err != nil {
		return err
	}
	for i := 0; i < len(result.Steps); {
		what, regions := result.Steps[i].What, []string(nil)
		for ; i < len(result.Steps) && result.Steps[i].What == what; i++ {
			regions = append(regions, result.Steps[i].Region)
		}
		s.say("   %-18s %2d  %s\n", what, len(regions), tally(regions))
	}
	s.quote(answer(out))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say("   Serving: %d Machines before, %d after, never fewer than %d\n", before, s.serving(), s.fewest)
	return nil
}

// serving counts the Machines that serve now.
func (s *stage) serving() int { return total(s.flysim.Serving("shop", "web")) }

// watch notes after every event of the simulated Fly.io how many Machines serve.
func (s *stage) watch(e flysim.Event) {
	n := total(e.Serving("web"))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fewest = min(s.fewest, n)
}

func total(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// tally counts regions: "ams, 2 × iad".
func tally(regions []string) string {
	slices.Sort(regions)
	var parts []string
	for i := 0; i < len(regions); {
		n := 1
		for i+n < len(regions) && regions[i+n] == regions[i] {
			n++
		}
		if part := regions[i]; n > 1 {
			parts = append(parts, fmt.Sprintf("%d × %s", n, part))
		} else {
			parts = append(parts, part)
		}
		i += n
	}
	return strings.Join(parts, ", ")
}

// hurry is how much faster the demo waits than a workflow does.
const hurry = 50

func (s *stage) sleep(ctx context.Context, d time.Duration) error {
	return endpoint.Sleep(ctx, d/hurry)
}

// run checks the repository out and runs the program as a workflow's step does. It
// returns what was printed.
func (s *stage) run(ctx context.Context, e ghsim.Event) (string, error) {
	for _, name := range []string{decisionFile, policyFile} {
		data, found := s.ghsim.File(e.SHA, name)
		path := filepath.Join(s.dir, filepath.FromSlash(name))
		var err error
		if found {
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o600))
		} else {
			err = os.RemoveAll(path)
		}
		if err != nil {
			return "", fmt.Errorf("check out %s: %w", name, err)
		}
	}
	event := filepath.Join(s.dir, "event.json")
	if err := os.WriteFile(event, e.Payload, 0o600); err != nil {
		return "", fmt.Errorf("write the event: %w", err)
	}
	var out, log bytes.Buffer
	p := s.process
	p.Args, p.Dir, p.Now, p.Sleep = []string{"auto"}, s.dir, s.now, s.sleep
	p.Stdout, p.Stderr = &out, &log
	p.Environ = append(s.variables(),
		"INPUT_PROPOSE=true", "INPUT_APPLY=on-merge", "INPUT_REPORT-DIR=report",
		"GITHUB_TOKEN="+ghsim.DefaultToken, "GITHUB_API_URL="+s.github, "GITHUB_SERVER_URL="+s.github, "GITHUB_REPOSITORY=acme/shop",
		"GITHUB_EVENT_NAME="+e.Name, "GITHUB_EVENT_PATH="+event, "GITHUB_SHA="+e.SHA, "GITHUB_REF="+e.Ref, "GITHUB_WORKFLOW=placement")
	if status := action.Run(ctx, p); status != 0 {
		return "", fmt.Errorf("run fly-placer for %s: status %d: %s", e.Name, status, strings.TrimSpace(log.String()))
	}
	return out.String(), nil
}
