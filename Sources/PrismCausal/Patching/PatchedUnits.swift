import PrismCore
import PrismModels
import PrismTensor

/// Units that can be patched one by one: neurons of layers, or latents of a dictionary.
struct PatchedUnits {
    let name: String
    /// Where they write, one layer behind the other, and how many numbers an activation has there.
    let hooks: [HookPoint]
    let widths: [Int]
    /// Of latents, which write to a single hook point; nil for the numbers of the activation itself.
    let differences: LatentDifferences?

    var count: Int { differences?.dictionary.latentCount ?? widths.reduce(0, +) }

    /// One of them.
    struct Unit: Hashable {
        /// Which hook point.
        let place: Int
        let index: Int
    }

    /// Some of them as parts of a patch. - units: nil for all, and of latents also what they do not explain.
    func parts(_ units: [Unit]?) -> [(hook: HookPoint, part: Patch.Part)] {
        hooks.indices.compactMap { place in
            guard let units else { return (hooks[place], .columns([0..<widths[place]])) }
            let own = units.filter { $0.place == place }.map(\.index)
            guard !own.isEmpty else { return nil }
            guard let differences else { return (hooks[place], .columns(own.sorted().map { $0..<$0 + 1 })) }
            return (hooks[place], .latents(differences, members: Set(own)))
        }
    }
}

extension PatchedUnits {
    /// Σ over pairs and patched positions of (source − base) · gradient of each unit at one place.
    func attributions(
        _ place: Int, _ gradient: Tensor, ofPairs pairs: [Int], at positions: [Range<Int>], _ runs: PairedRuns
    ) -> [Double] {
        var sums = [Double](repeating: 0, count: differences?.dictionary.latentCount ?? widths[place])
        let (base, source) = (runs.base[hooks[place]], runs.source[hooks[place]])
        for pair in pairs {
            for row in runs.rows(pair, positions[pair]) {
                guard let differences else {
                    for c in sums.indices { sums[c] += Double((source[row][c] - base[row][c]) * gradient[row][c]) }
                    continue
                }
                let decoder = differences.dictionary.decoder
                for (latent, difference) in differences.rows[row] {
                    let slope = runs.model.backend.dot(decoder[latent], gradient[row], count: decoder.rowWidth)
                    sums[latent] += Double(difference * slope)
                }
            }
        }
        return sums
    }
}
