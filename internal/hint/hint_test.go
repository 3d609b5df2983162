package hint_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/hint"
)

func TestWrapKeepsTheErrorAndCollectsEachStepOnce(t *testing.T) {
	cause := errors.New("401 Unauthorized")
	inner := hint.Wrap(cause, "make a token with %q", "fly tokens create readonly")
	err := errors.Join(fmt.Errorf("list Machines: %w", hint.Wrap(inner, "then set it")), inner)

	if got, want := err.Error(), "list Machines: 401 Unauthorized\n401 Unauthorized"; got != want {
		t.Errorf("Error() = %q, want %q: a hint must not change the text", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	want := []string{"then set it", `make a token with "fly tokens create readonly"`}
	if got := hint.Of(err); !slices.Equal(got, want) {
		t.Errorf("Of = %q, want %q", got, want)
	}
}

func TestNilStaysNil(t *testing.T) {
	if hint.Wrap(nil, "unused") != nil {
		t.Error("Wrap(nil) is not nil")
	}
	if hint.Of(nil) != nil {
		t.Error("Of(nil) is not empty")
	}
}
