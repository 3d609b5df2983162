// Package action is the program: it reads the configuration, the app's Machines
// and its traffic, has the plan computed, and shows it where the team looks.
// It is the rim around the pure packages; only here are the environment, files,
// the clock and the runner touched.
package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Process is everything that a run sees of its surroundings. It enters once,
// so that a test or the demo can run the very same program in another world.
type Process struct {
	// Args are the command line without the program's name.
	Args []string
	// Environ is the environment, "KEY=value".
	Environ []string
	// Dir is the working directory.
	Dir string
	// Stdin is read for the file - only; nil when there is none.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Color allows colour and bold in the report for a terminal.
	Color bool
	// Folded leaves out of it how the plan was computed.
	Folded bool
	Now    func() time.Time
	// Sleep waits, for what GitHub and Fly.io need; nil: in real time.
	Sleep func(context.Context, time.Duration) error
	// Random gives the bytes of delimiters that nobody can guess.
	Random io.Reader
	// Version of the program, "v1.2.3".
	Version string
	// Demo runs the command demo. Package demo is above this one: it runs it.
	Demo func(ctx context.Context, p Process, serve bool) error
}

// getenv returns the last value of key, as a shell would.
func (p Process) getenv(key string) string {
	value := ""
	for _, kv := range p.Environ {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			value = v
		}
	}
	return value
}

// path resolves name against the working directory.
func (p Process) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.Dir, name)
}

// maxFile is how long a file that the program reads may be: the longest are
// matrices of round trips.
const maxFile = 4 << 20

// openFlags keep a pipe that nobody writes to from holding the program up
// before it can be told from a file.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// read returns a file's content, and false when there is no such file.
func (p Process) read(name string) ([]byte, bool, error) {
	f, err := os.OpenFile(p.path(name), openFlags, 0)
	return content(name, f, err)
}

// readIn reads a file of the workspace. A link that leads out of it is not
// followed: the repository's content is not the program's own. An absolute
// name is the user's word.
func readIn(workspace, name string) ([]byte, bool, error) {
	if filepath.IsAbs(name) {
		f, err := os.OpenFile(name, openFlags, 0)
		return content(name, f, err)
	}
	root, err := os.OpenRoot(workspace)
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", name, err)
	}
	defer root.Close()
	f, err := root.OpenFile(filepath.Clean(name), openFlags, 0)
	return content(name, f, err)
}

// content reads a file that was opened with err. A file that does not exist is
// no error; one without an end, or of another kind, is.
func content(name string, f *os.File, err error) ([]byte, bool, error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("read %s: %w", name, err)
	case !info.Mode().IsRegular():
		return nil, false, fmt.Errorf("read %s: it is no file but %s", name, kindOf(info.Mode()))
	case info.Size() > maxFile:
		return nil, false, fmt.Errorf("read %s: it is longer than %d MB", name, maxFile>>20)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("read %s: %w", name, err)
	case len(data) > maxFile: // it grew
		return nil, false, fmt.Errorf("read %s: it is longer than %d MB", name, maxFile>>20)
	}
	return data, true, nil
}

func kindOf(m fs.FileMode) string {
	if m.IsDir() {
		return "a directory"
	}
	return "a device or pipe"
}

// writeIn makes files that everybody may read and that belong to whoever owns
// the workspace: in a container the program runs as root, and later steps do
// not. A relative dir is one of the workspace, and no link leads out of it.
func writeIn(workspace, dir string, files map[string][]byte) error {
	if filepath.IsAbs(dir) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("write reports: %w", err)
		}
		workspace, dir = dir, "."
	}
	root, err := os.OpenRoot(workspace)
	if err != nil {
		return fmt.Errorf("write reports: %w", err)
	}
	defer root.Close()
	errs := []error{mkdirOwned(root, filepath.Clean(dir))}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		errs = append(errs, writeOwned(root, filepath.Join(dir, name), files[name]))
	}
	return errors.Join(errs...)
}

func writeOwned(root *os.Root, name string, data []byte) error {
	err := mkdirOwned(root, filepath.Dir(name))
	if err == nil {
		err = root.WriteFile(name, data, 0o644)
	}
	if err == nil {
		err = own(root, name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// mkdirOwned makes a directory and those above it that are missing.
func mkdirOwned(root *os.Root, dir string) error {
	var missing []string
	for d := dir; d != "."; d = filepath.Dir(d) {
		if _, err := root.Lstat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make directory %s: %w", dir, err)
	}
	for _, d := range missing {
		if err := own(root, d); err != nil {
			return err
		}
	}
	return nil
}

// own gives a file that root made to the owner of the workspace.
func own(root *os.Root, name string) error {
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return root.Lchown(name, int(st.Uid), int(st.Gid))
}

// appendTo adds data to a file that the runner made.
func appendTo(path string, data string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, data)
	return errors.Join(err, f.Close())
}
