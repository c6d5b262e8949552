package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.stdout, "evalrun %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// version is the module's, as the go command stamped it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// revisionTime is how long git may take. What it has not said by then is not
// known.
const revisionTime = time.Second

// startRevisions asks git for the revision of each suite's folder, in the
// background. The functions wait for the answer.
func startRevisions(ctx context.Context, suites []string) map[string]func() string {
	revisions := map[string]func() string{}
	ctx, cancel := context.WithTimeout(ctx, revisionTime)
	var wg sync.WaitGroup
	for _, path := range suites {
		if revisions[path] != nil {
			continue
		}
		answer := make(chan string, 1)
		wg.Go(func() { answer <- revision(ctx, filepath.Dir(path)) })
		revisions[path] = sync.OnceValue(func() string { return <-answer })
	}
	go func() {
		wg.Wait()
		cancel()
	}()
	return revisions
}

// revision is the git revision of a folder, with "+dirty" when files differ from
// it; "" outside a repository.
func revision(ctx context.Context, dir string) string {
	changed := make(chan string, 1)
	go func() { changed <- git(ctx, dir, "status", "--porcelain", "--untracked-files=no") }()
	rev := strings.TrimSpace(git(ctx, dir, "rev-parse", "HEAD"))
	if <-changed != "" && rev != "" {
		rev += "+dirty"
	}
	return rev
}

// git runs git in a folder; what it prints, "" when it fails or takes too long.
func git(ctx context.Context, dir string, args ...string) string {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0")
	cmd.WaitDelay = 100 * time.Millisecond // a child of it may keep its output open
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return string(out)
}
