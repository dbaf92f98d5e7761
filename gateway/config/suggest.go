package config

// Suggest gives the hint for a word that is not among the known ones, in the words of the config's own mistakes: the
// nearest one when it is near enough to be what was meant, else all of them.
func Suggest(word string, known []string) string {
	hint, _ := suggest(word, known)
	return hint
}
