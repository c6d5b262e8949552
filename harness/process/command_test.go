package process_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/evalrun/evalrun/harness/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The line that says why comes first, where a shortened error still has it.
func TestErrorsBeginWithWhatMatters(t *testing.T) {
	tests := []struct{ name, stderr, want string }{
		{"nothing", "", ""},
		{"one line", "no model", ": no model"},
		{"Python", "Traceback (most recent call last):\n  File \"bot.py\", line 3, in <module>\n    main()\nRuntimeError: model missing",
			": RuntimeError: model missing\nstandard error: Traceback (most recent call last):\n  File \"bot.py\", line 3, in <module>\n    main()"},
		{"Go", "loading\npanic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:3 +0x1d\nexit status 2",
			": panic: boom\nstandard error: loading\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:3 +0x1d\nexit status 2"},
		{"go run", "no such model\nexit status 3", ": no such model\nstandard error: exit status 3"},
		{"Node", "/x/bot.js:1\nthrow new Error('boom')\n^\n\nError: boom\n    at Object.<anonymous> (/x/bot.js:1:7)\n\nNode.js v20.1.0",
			": Error: boom\nstandard error: /x/bot.js:1\nthrow new Error('boom')\n^\n\n    at Object.<anonymous> (/x/bot.js:1:7)\n\nNode.js v20.1.0"},
		{"only noise", "exit status 1", ": exit status 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := &process.Error{Program: "bot", Message: "exit status 1", Stderr: tt.stderr}
			assert.Equal(t, "bot: exit status 1"+tt.want, err.Error())
		})
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bot"), nil, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "text"), nil, 0o600))
	if runtime.GOOS == "windows" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "bot.exe"), nil, 0o700))
	}
	tests := []struct{ program, dir, want string }{
		{"go", dir, ""},
		{os.Args[0], dir, ""},
		{"./bot", dir, ""},
		{filepath.Join(dir, "bot"), "", ""},
		{"./bot", "", "./bot: cannot start: no such file or directory"},
		{"../bot", dir, "../bot: cannot start: no such file or directory"},
		{"bot", dir, "bot: cannot start: executable file not found in $PATH"}, // a bare name is not looked up in the folder
		{"./text", dir, "./text: cannot start: permission denied"},
		{"", dir, "command: cannot start: no program is named"},
	}
	for _, tt := range tests {
		c := process.Command{Argv: []string{tt.program}, Dir: tt.dir}
		err := c.Check()
		if tt.want == "" {
			assert.NoError(t, err)
			continue
		}
		require.EqualError(t, err, tt.want)
		if tt.program != "" && runtime.GOOS != "windows" { // starting it says the same
			_, runErr := process.Run(t.Context(), c, nil)
			assert.EqualError(t, runErr, tt.want)
		}
	}
}
