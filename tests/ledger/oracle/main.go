// Checks a log of ours with golang.org/x/mod/sumdb, which shares no code with us.
//
// Reads one JSON request from standard input, judges everything in it with Go's own tree and notes,
// and prints {"problems": [...], "note": "<the checkpoint as Go signs it>"}.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type request struct {
	Size        int64             `json:"size"`
	Root        []byte            `json:"root"`
	Note        string            `json:"note"`
	Vkey        string            `json:"vkey"`
	Seed        []byte            `json:"seed"`
	Tiles       map[string][]byte `json:"tiles"`
	Inclusion   []inclusion       `json:"inclusion"`
	Consistency []consistency     `json:"consistency"`
}

type inclusion struct {
	Index int64    `json:"index"`
	Path  [][]byte `json:"path"`
}

type consistency struct {
	OldSize int64    `json:"old_size"`
	OldRoot []byte   `json:"old_root"`
	Path    [][]byte `json:"path"`
}

type answer struct {
	Problems []string `json:"problems"`
	Note     string   `json:"note"`
}

// hashes is a whole log in memory, in the order of tlog's stored hashes.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, h[i])
	}
	return out, nil
}

// leaf is the content of entry i in every log that the test makes.
func leaf(i int64) []byte { return []byte(fmt.Sprintf("leaf %d", i)) }

func main() {
	var in request
	out := answer{Problems: []string{}}
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	problem := func(format string, args ...any) { out.Problems = append(out.Problems, fmt.Sprintf(format, args...)) }

	var stored hashes
	for i := int64(0); i < in.Size; i++ {
		more, err := tlog.StoredHashes(i, leaf(i), stored)
		if err != nil {
			panic(err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(in.Size, stored)
	if err != nil {
		panic(err)
	}
	// tlog gives an empty tree 32 zero bytes; RFC 6962 and C2SP say SHA-256 of nothing, which the Python side checks.
	if in.Size > 0 && !bytes.Equal(root[:], in.Root) {
		problem("root is %x, Go says %x", in.Root, root)
	}
	checkNote(in, problem)
	checkProofs(in, root, stored, problem)
	checkTiles(in, stored, problem)
	out.Note = sign(in)
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
}

func checkNote(in request, problem func(string, ...any)) {
	verifier, err := note.NewVerifier(in.Vkey)
	if err != nil {
		problem("vkey: %v", err)
		return
	}
	opened, err := note.Open([]byte(in.Note), note.VerifierList(verifier))
	if err != nil {
		problem("note: %v", err)
		return
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[1] != fmt.Sprint(in.Size) || lines[2] != base64.StdEncoding.EncodeToString(in.Root) {
		problem("checkpoint says %q", opened.Text)
	}
}

func checkProofs(in request, root tlog.Hash, stored hashes, problem func(string, ...any)) {
	for _, p := range in.Inclusion {
		path := convert(p.Path)
		if err := tlog.CheckRecord(tlog.RecordProof(path), in.Size, root, p.Index, tlog.RecordHash(leaf(p.Index))); err != nil {
			problem("inclusion of %d: %v", p.Index, err)
		}
		own, err := tlog.ProveRecord(in.Size, p.Index, stored)
		if err != nil || fmt.Sprint(own) != fmt.Sprint(tlog.RecordProof(path)) {
			problem("inclusion of %d: Go proves it otherwise (%v)", p.Index, err)
		}
	}
	for _, p := range in.Consistency {
		path, old := convert(p.Path), convert([][]byte{p.OldRoot})[0]
		if err := tlog.CheckTree(tlog.TreeProof(path), in.Size, root, p.OldSize, old); err != nil {
			problem("consistency from %d: %v", p.OldSize, err)
		}
		own, err := tlog.ProveTree(in.Size, p.OldSize, stored)
		if err != nil || fmt.Sprint(own) != fmt.Sprint(tlog.TreeProof(path)) {
			problem("consistency from %d: Go proves it otherwise (%v)", p.OldSize, err)
		}
	}
}

// checkTiles wants exactly the tiles that Go would make, under C2SP's names, which leave out sumdb's tile height.
func checkTiles(in request, stored hashes, problem func(string, ...any)) {
	// NewTiles also lists every narrower tile that the log went through; only the widest of each belongs to this size.
	widest := map[[2]int64]tlog.Tile{}
	for _, tile := range tlog.NewTiles(8, 0, in.Size) {
		place := [2]int64{int64(tile.L), tile.N}
		if tile.W > widest[place].W {
			widest[place] = tile
		}
	}
	for _, tile := range widest {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := tlog.ReadTileData(tile, stored)
		if err != nil || !bytes.Equal(data, in.Tiles[path]) {
			problem("%s differs (%v)", path, err)
		}
	}
	if len(widest) != len(in.Tiles) {
		problem("%d tiles, Go makes %d", len(in.Tiles), len(widest))
	}
}

// sign makes Go's own note over the same text. Ed25519 is deterministic, so it must equal ours byte for byte.
func sign(in request) string {
	verifier, _ := note.NewVerifier(in.Vkey)
	seed := base64.StdEncoding.EncodeToString(append([]byte{1}, in.Seed...))
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", verifier.Name(), verifier.KeyHash(), seed))
	if err != nil {
		panic(err)
	}
	public := ed25519.NewKeyFromSeed(in.Seed).Public().(ed25519.PublicKey)
	if !strings.HasSuffix(in.Vkey, base64.StdEncoding.EncodeToString(append([]byte{1}, public...))) {
		panic("the seed is not that of the vkey")
	}
	text := in.Note[:strings.LastIndex(in.Note, "\n\n")+1]
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		panic(err)
	}
	return string(signed)
}

func convert(list [][]byte) []tlog.Hash {
	out := make([]tlog.Hash, len(list))
	for i, h := range list {
		copy(out[i][:], h)
	}
	return out
}
