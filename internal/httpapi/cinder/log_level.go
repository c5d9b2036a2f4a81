package cinder

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// logPrefix names the one logger of this program.
const logPrefix = "breezeblock"

// logLevels are Cinder's words for the levels there are, from the least to the gravest.
var logLevels = []struct {
	word  string
	level slog.Level
}{{"DEBUG", slog.LevelDebug}, {"INFO", slog.LevelInfo}, {"WARNING", slog.LevelWarn}, {"ERROR", slog.LevelError}}

// logBinaries are what get-log and set-log may name: one process is all of them.
var logBinaries = []string{block.BinaryAPI, block.BinaryScheduler, block.BinaryVolume, block.BinaryBackup}

// readLog reads which services are meant, and the level if there is one.
func (a *API) readLog(x *wire.Exchange, allowed ...string) (meant []block.Daemon, words map[string]string, err error) {
	top := wire.Members{}
	if x.Body.Given {
		if top, err = x.Top(); err != nil {
			return nil, nil, err
		}
	}
	if err = top.Only("the request body", allowed...); err != nil {
		return nil, nil, err
	}
	if words, err = readWords(top, allowed...); err != nil {
		return nil, nil, err
	}
	binary := words["binary"]
	known := binary == "" || binary == "*" || slices.Contains(logBinaries, binary)
	if !known {
		return nil, nil, block.Errorf(block.Invalid, "Invalid input for field/attribute binary: %.64q is none of %s.", binary, strings.Join(logBinaries, ", "))
	}
	for _, d := range []block.Daemon{
		{Binary: block.BinaryAPI, Host: a.blocks.Node()}, {Binary: block.BinaryScheduler, Host: a.blocks.Node()},
		{Binary: block.BinaryVolume, Host: a.blocks.BackendHost()}, {Binary: block.BinaryBackup, Host: a.blocks.Node()},
	} {
		if (binary == "" || binary == "*" || binary == d.Binary) && (words["server"] == "" || words["server"] == d.Host) {
			meant = append(meant, d)
		}
	}
	return meant, words, nil
}

// getLogLevels serves PUT /os-services/get-log: the level at which this process
// logs, for each of the services that it is.
func (a *API) getLogLevels(x *wire.Exchange) error {
	meant, words, err := a.readLog(x, "binary", "server", "prefix")
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	levels := map[string]string{}
	if strings.HasPrefix(logPrefix, words["prefix"]) {
		levels[logPrefix] = logWord(a.level.Level())
	}
	rows := []map[string]any{}
	for _, d := range meant {
		rows = append(rows, map[string]any{"host": d.Host, "binary": d.Binary, "levels": levels})
	}
	return replyJSON(x, http.StatusOK, map[string]any{"log_levels": rows})
}

// logWord is Cinder's word for the level that lets through what is let through.
func logWord(level slog.Level) string {
	for _, l := range logLevels {
		if level <= l.level {
			return l.word
		}
	}
	return "CRITICAL"
}

// setLogLevels serves PUT /os-services/set-log: the services are one process, which
// has one level. It lasts until the process ends.
func (a *API) setLogLevels(x *wire.Exchange) error {
	meant, words, err := a.readLog(x, "binary", "server", "prefix", "level")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(logLevels, func(l struct {
		word  string
		level slog.Level
	}) bool {
		return l.word == strings.ToUpper(words["level"])
	})
	if i < 0 {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute level: %.64q is none of DEBUG, INFO, WARNING, ERROR.", words["level"])
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if len(meant) > 0 && strings.HasPrefix(logPrefix, words["prefix"]) {
		a.level.Set(logLevels[i].level)
	}
	return replyNothing(x, http.StatusAccepted)
}
