package action

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"unicode"

	"github.com/sethvargo/go-githubactions"
)

// levelNotice is between Info and Warn, as GitHub's notices are.
const levelNotice = slog.Level(2)

// maxAnnotations of a kind are shown for a step; GitHub stops at 10, and the
// runner may add one of its own.
const maxAnnotations = 9

// newLogger writes to w for people, as JSON lines, or as workflow commands.
func newLogger(w io.Writer, onRunner, asJSON bool) *slog.Logger {
	switch {
	case asJSON && !onRunner:
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if l, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey && l == levelNotice {
				return slog.String(slog.LevelKey, "NOTICE")
			}
			return a
		}}))
	case onRunner:
		return slog.New(&handler{w: w, actions: githubactions.New(githubactions.WithWriter(quiet{w})), shown: map[slog.Level]int{}, mu: &sync.Mutex{}})
	}
	return slog.New(&handler{w: w, mu: &sync.Mutex{}})
}

// The attributes that are no words of the message: the next step, and where in
// the repository an annotation belongs.
const (
	keyHint = "hint"
	keyFile = "file"
	keyLine = "line"
)

// A handler turns records into lines.
type handler struct {
	w       io.Writer
	actions *githubactions.Action // nil: plain lines
	shown   map[slog.Level]int    // annotations by level
	attrs   []slog.Attr
	mu      *sync.Mutex
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append(append([]slog.Attr(nil), h.attrs...), attrs...)
	return &c
}

func (h *handler) WithGroup(string) slog.Handler { return h }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var words, hints []string
	fields := map[string]string{"title": "Fly Placer"}
	add := func(a slog.Attr) bool {
		switch text := a.Value.String(); {
		case a.Key == keyHint && text != "":
			hints = append(hints, text)
		case a.Key == keyHint:
		case a.Key == keyFile, a.Key == keyLine:
			fields[a.Key] = text
		default:
			words = append(words, a.Key+"="+text)
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	text := strings.Join(append([]string{r.Message}, words...), " ")
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.annotate(r.Level, text, hints, fields) {
		return nil
	}
	prefix := map[slog.Level]string{levelNotice: "note: ", slog.LevelWarn: "warning: ", slog.LevelError: "error: "}[r.Level]
	lines := []string{prefix + indent(text)}
	for _, s := range hints {
		lines = append(lines, "  next: "+indent(s))
	}
	_, err := fmt.Fprintln(h.w, harmless(strings.Join(lines, "\n"), h.actions != nil))
	return err
}

// annotate shows a record as a GitHub annotation, while there is room.
func (h *handler) annotate(l slog.Level, text string, hints []string, fields map[string]string) bool {
	if h.actions == nil || h.shown[l] >= maxAnnotations {
		return false
	}
	for _, s := range hints {
		text += "\nNext: " + s
	}
	a := h.actions.WithFieldsMap(fields)
	switch l {
	case levelNotice:
		a.Noticef("%s", text)
	case slog.LevelWarn:
		a.Warningf("%s", text)
	case slog.LevelError:
		a.Errorf("%s", text)
	default:
		return false
	}
	h.shown[l]++
	return true
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }

// harmless keeps text from elsewhere from being read as a workflow command or
// as a terminal's control sequence.
func harmless(s string, onRunner bool) string {
	s = strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) { // Cf: marks that turn or hide text
			return '\uFFFD'
		}
		return r
	}, s)
	if !onRunner {
		return s
	}
	// The runner looks for "##[" anywhere in a line, and for "::" behind any
	// white space at its beginning (actions/runner, ActionCommand.cs).
	s = strings.ReplaceAll(s, "##[", "# #[")
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::") {
			lines[i] = "| " + line
		}
	}
	return strings.Join(lines, "\n")
}

// foreign prints text that may hold lines from elsewhere, with the runner's
// commands switched off around it. token must be impossible to guess.
func foreign(w io.Writer, text, token string, onRunner bool) error {
	if onRunner {
		text = fmt.Sprintf("::stop-commands::%s\n%s\n::%s::\n", token, strings.TrimRight(text, "\n"), token)
	}
	_, err := io.WriteString(w, text)
	return err
}
