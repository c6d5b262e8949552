package evaltest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The flags of a test binary that imports this package. Packages that do not would
// refuse them, which is why each has an environment variable beside it for go test
// ./... .
var (
	recordFlag = flag.Bool("evalrun.record", false, "ask live apps, and write their answers to the recordings; EVALRUN_RECORD=1 is the same")
	updateFlag = flag.Bool("evalrun.update", false, "write baselines; EVALRUN_UPDATE=1 is the same")
)

const (
	envLive   = "EVAL_LIVE"
	envRecord = "EVALRUN_RECORD"
	envUpdate = "EVALRUN_UPDATE"
	envOutput = "EVALRUN_OUTPUT"
	envStore  = "EVALRUN_STORE"
)

// set tells whether an environment variable says yes.
func set(name string) bool {
	switch v := strings.ToLower(os.Getenv(name)); v {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}

func recordAsked() bool { return *recordFlag || set(envRecord) }
func updateAsked() bool { return *updateFlag || set(envUpdate) }

// mode is where the answers come from.
type mode int

const (
	asking    mode = iota // the app, which is not Live
	live                  // the app, which is
	recording             // likewise, and they are written to a file
	replaying             // that file
)

// chooseMode decides it. A Live app that may not be asked and has no recording
// skips the test, and fails it in CI.
func (e *eval) chooseMode() (mode, error) {
	e.t.Helper()
	if !e.Live {
		return asking, nil
	}
	mayAsk := set(envLive) && !testing.Short()
	switch {
	case recordAsked() && !mayAsk:
		return 0, fmt.Errorf("recording asks the live app, which takes %s=1 and no -short:\n%s", envLive, e.recordCommand())
	case recordAsked():
		return recording, nil
	case mayAsk:
		return live, nil
	}
	_, err := os.Stat(e.recordingPath())
	if err == nil {
		return replaying, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	why := fmt.Sprintf("the app is live, and there is no recording %s.\n%s=1 go test asks the app; to record its answers, so that they are replayed from then on:\n%s",
		e.recordingPath(), envLive, e.recordCommand())
	if set("CI") {
		return 0, errors.New(why + "\n(in CI an eval that nobody ran fails)")
	}
	e.t.Skip(why)
	return 0, nil
}

// recordCommand writes the recording.
func (e *eval) recordCommand() string {
	return envRecord + "=1 " + e.place.rerun(e.t.Name(), true)
}

// recordingPath is the file of the recorded answers.
func (e *eval) recordingPath() string {
	if e.Recording != "" {
		return filepath.FromSlash(e.Recording)
	}
	return filepath.Join("testdata", "evals", strings.NewReplacer("/", "_", `\`, "_", ":", "_").Replace(e.test)+".jsonl")
}

// getenv lets a Suite whose app is not asked do without the keys that it names.
func (e *eval) getenv() func(string) (string, bool) {
	if e.mode != replaying {
		return nil
	}
	return func(name string) (string, bool) {
		if v, ok := os.LookupEnv(name); ok && v != "" {
			return v, true
		}
		return "not-needed-for-a-replay", true
	}
}

// secrets are the values that must not be kept or shown.
func (e *eval) secrets() []string {
	return append(secretsOf(os.Environ()), e.Secrets...)
}

// secretsOf are the values of the variables whose names say so.
func secretsOf(environ []string) (all []string) {
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		name = strings.ToUpper(name)
		for _, end := range []string{"KEY", "TOKEN", "SECRET", "PASSWORD"} {
			if strings.HasSuffix(name, end) && value != "" {
				all = append(all, value)
			}
		}
	}
	return all
}

// settingsDigest is 16 hexadecimal digits of the SHA-256 of the settings as JSON;
// "" without any.
func settingsDigest(settings any) (string, error) {
	if settings == nil {
		return "", nil
	}
	data, err := json.Marshal(settings)
	if err != nil {
		return "", fmt.Errorf("digest of the Settings: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8]), nil
}

// maxCost is the limit on what is spent now.
func (e *eval) maxCost() float64 {
	if e.mode == replaying {
		return 0
	}
	return e.MaxCost
}
