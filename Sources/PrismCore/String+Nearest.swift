extension String {
    /// The candidate that takes the fewest insertions, deletions and replacements to reach (Levenshtein 1966), for a hint
    /// at what was meant; the first of several. - candidates: at least one.
    package func nearest(among candidates: [String]) -> String {
        candidates.enumerated().min { (edits(to: $0.element), $0.offset) < (edits(to: $1.element), $1.offset) }!.element
    }

    private func edits(to other: String) -> Int {
        let target = Array(other)
        var row = Array(0...target.count)
        for (i, character) in enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in target.indices {
                let replaced = diagonal + (character == target[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = Swift.min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[target.count]
    }
}
