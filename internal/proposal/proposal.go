// Package proposal writes and reads the body of the one pull request that
// proposes decisions: a section for each app, and a hidden line that remembers
// what was proposed. Several jobs may each write their own apps' sections of one
// body; what a section says of other apps is left as it is.
package proposal

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/fly-placer/fly-placer/internal/region"
)

const (
	// Branch is where decisions are proposed.
	Branch = "fly-placer/placement"
	// Label on a pull request makes its plan comment a decision (docs/propose.md).
	Label = "fly-placer:apply"
	// Title is that of the pull request. It names no app: several jobs write to it.
	Title = "Place Machines where the requests come from"
	// MaxBody is how many characters a body has at most, as UTF-16 counts them.
	// GitHub refuses more than 65,536.
	MaxBody = 60_000
)

const (
	sectionBegin = "<!-- fly-placer:app "
	sectionEnd   = "<!-- fly-placer:end -->"
	memoryBegin  = "<!-- fly-placer:proposal:v1 "
	commentEnd   = " -->"
	// shortened stands behind the first line of a section that had to give way.
	shortened = "Shortened to fit here; the job summary of the run has more."
)

// An Entry is what a run says of one of its apps.
type Entry struct {
	App string
	// Digest is the decision's; "" withdraws what was proposed for the app.
	Digest string
	// Placement is what is decided, by process group.
	Placement map[string]map[region.Code]int
	// Text is the report, as Markdown.
	Text string
}

// A Remembered is what the body knows of a proposed decision.
type Remembered struct {
	Digest string `json:"digest"`
	// Confirmed is when a plan last came to this decision.
	Confirmed time.Time                      `json:"confirmed_at"`
	Placement map[string]map[region.Code]int `json:"placement"`
}

// Same tells whether a placement, by process group, is the one that was
// proposed. What each decision assumes may differ: who closed a pull request
// has refused what should run.
func (m Remembered) Same(placement map[string]map[region.Code]int) bool {
	return maps.EqualFunc(m.Placement, placement, func(a, b map[region.Code]int) bool {
		return maps.Equal(counted(a), counted(b))
	})
}

func counted(n map[region.Code]int) map[region.Code]int {
	n = maps.Clone(n)
	maps.DeleteFunc(n, func(_ region.Code, n int) bool { return n == 0 })
	return n
}

// Memory returns what a body remembers, by app; nothing of a body that is not
// ours. Whoever may edit a body may change what it remembers, which decides no
// more than what is proposed again and how old a decision is taken to be.
func Memory(body string) map[string]Remembered { return parse(body).memory }

// Body returns a body with the entries of one run in place of what old says of
// their apps. A decision that old has already keeps its section, so that what was
// reviewed stays as it was read; only the time of its confirmation is new. What
// people wrote before and behind the sections stays; where nobody wrote behind
// them, outro is there: the first line is an app's answer. With the same entries
// and time, Body of what it returned is the same again.
func Body(old, outro string, entries []Entry, now time.Time) string {
	b := parse(old)
	if b.after == "" { // without sections all of it was before them
		b.before, b.after = strings.TrimSpace(strings.TrimSuffix(b.before, outro)), outro
	}
	for _, e := range entries {
		if e.Digest == "" {
			delete(b.sections, e.App)
			delete(b.memory, e.App)
			continue
		}
		if b.memory[e.App].Digest != e.Digest || b.sections[e.App] == "" {
			b.sections[e.App] = strings.TrimSpace(e.Text)
		}
		b.memory[e.App] = Remembered{Digest: e.Digest, Confirmed: now.UTC().Truncate(time.Second), Placement: e.Placement}
	}
	for b.size() > MaxBody && b.shorten() {
	}
	return b.String()
}

// A body is taken apart.
type body struct {
	before, after string            // the sections
	sections      map[string]string // by app
	memory        map[string]Remembered
}

var (
	sectionLine = regexp.MustCompile(`^<!-- fly-placer:app ([a-z0-9-]{1,63}) -->$`)
	memoryLine  = regexp.MustCompile(`^<!-- fly-placer:proposal:v1 (\{.*\}) -->$`)
)

// parse takes a body apart. A section that does not end, ends with the body.
func parse(text string) body {
	b := body{sections: map[string]string{}, memory: map[string]Remembered{}}
	var before, after, section []string
	app, seen := "", false
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		switch begin, memory := sectionLine.FindStringSubmatch(line), memoryLine.FindStringSubmatch(line); {
		case memory != nil:
			var m struct {
				Apps map[string]Remembered `json:"apps"`
			}
			if json.Unmarshal([]byte(memory[1]), &m) == nil && m.Apps != nil {
				b.memory = m.Apps
			}
		case begin != nil && app == "":
			app, seen, section = begin[1], true, nil
		case line == sectionEnd && app != "":
			b.sections[app] = strings.TrimSpace(strings.Join(section, "\n"))
			app = ""
		case app != "":
			section = append(section, line)
		case seen:
			after = append(after, line)
		default:
			before = append(before, line)
		}
	}
	if app != "" {
		b.sections[app] = strings.TrimSpace(strings.Join(section, "\n"))
	}
	b.before, b.after = strings.TrimSpace(strings.Join(before, "\n")), strings.TrimSpace(strings.Join(after, "\n"))
	return b
}

// String puts a body together, the sections in order of the apps' names.
func (b body) String() string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	add(b.before)
	for _, app := range slices.Sorted(maps.Keys(b.sections)) {
		add(sectionBegin + app + commentEnd + "\n" + b.sections[app] + "\n" + sectionEnd)
	}
	add(b.after)
	if len(b.memory) > 0 {
		// Keys are in order, and > is escaped, so that nothing ends the comment.
		data, _ := json.Marshal(map[string]any{"apps": b.memory}) // strings, numbers and times of our own always encode
		add(memoryBegin + string(data) + commentEnd)
	}
	return strings.Join(parts, "\n\n")
}

func (b body) size() int { return len(utf16.Encode([]rune(b.String()))) }

// shorten leaves the first line of the longest section, and tells whether there
// was one to shorten.
func (b body) shorten() bool {
	longest := ""
	for _, app := range slices.Sorted(maps.Keys(b.sections)) {
		if s := b.sections[app]; len(s) > len(b.sections[longest]) && !strings.HasSuffix(s, shortened) {
			longest = app
		}
	}
	if longest == "" {
		return false
	}
	first, _, _ := strings.Cut(b.sections[longest], "\n")
	b.sections[longest] = first + "\n\n" + shortened
	return true
}
