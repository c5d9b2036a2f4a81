package identity

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fernet/fernet-go"
)

const (
	// MaxKeys is how many keys are kept: staged, primary and one secondary, so a
	// token outlives one rotation. Source: Keystone max_active_keys.
	MaxKeys = 3
	// stagedKey is the file of the key that the next rotation makes primary.
	stagedKey = 0

	lookEvery     = 10 * time.Second // for keys that another process rotated
	lookAfterMiss = time.Second      // a token under an unknown key may be under a new one
	maxKeyFile    = 128              // bytes; a key has 44
)

// Keys is a key repository laid out like Keystone's, so that the two can share
// one: a folder of files named by number, each with one base64 Fernet key. 0 is staged,
// the highest number is primary and seals, and all of them open. Rotating more often
// than once in a token's lifetime voids tokens early.
type Keys struct {
	dir    string
	random io.Reader
	clock  func() time.Time
	log    *slog.Logger

	ring   atomic.Pointer[ring]
	looked atomic.Int64 // Unix nanoseconds of the last look at the folder
	change sync.Mutex   // held while the folder is read or rotated
}

// ring is the keys as last read: primary first, then by age, staged last.
type ring struct {
	numbers []int
	keys    []*fernet.Key
}

// OpenKeys opens the repository in dir, or makes it: the folder 0700, files 0600.
// It refuses keys that everybody on the machine can read.
func OpenKeys(dir string, random io.Reader, clock func() time.Time, log *slog.Logger) (*Keys, error) {
	k := &Keys{dir: dir, random: random, clock: clock, log: log}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the key folder: %w", err)
	}
	k.change.Lock()
	defer k.change.Unlock()
	r, err := k.read()
	if err != nil {
		return nil, err
	}
	if r, err = k.complete(r); err != nil {
		return nil, err
	}
	k.ring.Store(r)
	k.looked.Store(clock().UnixNano())
	return k, nil
}

// complete makes what is missing of a staged and a primary key: all of it on a
// first start, the staged one after a rotation that was cut off.
func (k *Keys) complete(r *ring) (*ring, error) {
	staged := slices.Contains(r.numbers, stagedKey)
	primary := len(r.numbers) > 1 || (len(r.numbers) == 1 && !staged)
	if staged && primary {
		return r, nil
	}
	if !primary {
		if err := k.add(1); err != nil {
			return nil, err
		}
	}
	if !staged {
		if err := k.add(stagedKey); err != nil {
			return nil, err
		}
	}
	return k.read()
}

// Rotate makes the staged key primary, stages a new one and removes the oldest
// beyond MaxKeys. It may be cut off anywhere, and run beside a server.
func (k *Keys) Rotate() error {
	k.change.Lock()
	defer k.change.Unlock()
	r, err := k.read()
	if err != nil {
		return err
	}
	if r, err = k.complete(r); err != nil {
		return err
	}
	next := r.numbers[0] + 1 // the primary comes first
	if err := os.Rename(k.path(stagedKey), k.path(next)); err != nil {
		return fmt.Errorf("make the staged key primary: %w", err)
	}
	if err := k.add(stagedKey); err != nil {
		return err
	}
	secondaries := slices.DeleteFunc(slices.Clone(r.numbers), func(n int) bool { return n == stagedKey })
	for i, n := range secondaries {
		if i < MaxKeys-2 {
			continue
		}
		if err := os.Remove(k.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old key: %w", err)
		}
	}
	if err := syncDir(k.dir); err != nil {
		return err
	}
	if r, err = k.read(); err != nil {
		return err
	}
	k.ring.Store(r)
	return nil
}

func (k *Keys) path(n int) string { return filepath.Join(k.dir, strconv.Itoa(n)) }

// add writes a new key under number n.
func (k *Keys) add(n int) error { return k.write(k.path(n), os.Rename) }

// write puts a new key at path by way of put: whole or not at all, durable on return.
func (k *Keys) write(path string, put func(from, to string) error) error {
	var key fernet.Key
	if _, err := io.ReadFull(k.random, key[:]); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	f, err := os.CreateTemp(k.dir, ".new-") // 0600
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	defer os.Remove(f.Name()) // of a renamed one there is nothing left
	_, err = f.WriteString(key.Encode())
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = put(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	return syncDir(k.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("make the key folder durable: %w", err)
	}
	return nil
}

// read reads the folder; an empty one gives an empty ring.
func (k *Keys) read() (*ring, error) {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, fmt.Errorf("read the key folder: %w", err)
	}
	var numbers []int
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err == nil && n >= 0 && strconv.Itoa(n) == e.Name() && e.Type().IsRegular() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	r := &ring{}
	for _, n := range numbers {
		key, err := readKey(k.path(n))
		if errors.Is(err, fs.ErrNotExist) {
			continue // rotated meanwhile
		}
		if err != nil {
			return nil, err
		}
		r.numbers, r.keys = append(r.numbers, n), append(r.keys, key)
	}
	return r, nil
}

func readKey(path string) (*fernet.Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("key %s is open to everybody (mode %o); make it 0600", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	key, err := fernet.DecodeKey(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("key %s is damaged: %w", path, err)
	}
	return key, nil
}

// look reads the folder again when the last look is longer ago than after, and
// tells whether the keys have changed. A folder that cannot be read keeps the keys.
func (k *Keys) look(after time.Duration) bool {
	now := k.clock().UnixNano()
	if since := now - k.looked.Load(); since >= 0 && since < int64(after) {
		return false
	}
	if !k.change.TryLock() {
		return false // somebody else is looking
	}
	defer k.change.Unlock()
	k.looked.Store(now)
	r, err := k.read()
	if err == nil && len(r.keys) == 0 {
		err = errors.New("the folder holds no key")
	}
	if err != nil {
		k.log.Error("token keys cannot be read again; the ones read before stay in use", "err", err)
		return false
	}
	before := k.ring.Swap(r)
	return !slices.EqualFunc(before.keys, r.keys, func(a, b *fernet.Key) bool { return *a == *b })
}

// seal makes a token of message with the primary key. Like Keystone's it comes
// without the base64 padding.
func (k *Keys) seal(message []byte, now time.Time) (string, error) {
	k.look(lookEvery)
	sealed, err := fernet.EncryptAndSignAtTime(message, k.ring.Load().keys[0], now)
	if err != nil {
		return "", fmt.Errorf("seal a token: %w", err)
	}
	return strings.TrimRight(string(sealed), "="), nil
}

// open gives the message of a token that one of the keys sealed.
func (k *Keys) open(token string) (message []byte, ok bool) {
	// The library reads past what is not base64, which would give one token many
	// spellings; so the text is decoded strictly first.
	bare := strings.TrimRight(token, "=")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(bare)
	if err != nil || len(token)-len(bare) > 2 || strings.ContainsAny(token, "\r\n") {
		return nil, false
	}
	k.look(lookEvery)
	text := []byte(base64.URLEncoding.EncodeToString(raw))
	if message = fernet.VerifyAndDecrypt(text, 0, k.ring.Load().keys); message != nil {
		return message, true
	}
	if !k.look(lookAfterMiss) {
		return nil, false
	}
	message = fernet.VerifyAndDecrypt(text, 0, k.ring.Load().keys)
	return message, message != nil
}
