import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// Which way activations go.
public enum PatchingDirection: String, Codable, CaseIterable, Sendable {
    /// From the clean run into the corrupt one: what suffices to bring the answer back.
    case denoising
    /// From the corrupt run into the clean one: what the answer cannot do without.
    case noising
}

/// Activations of one pair that come from the other run.
struct Patch: Sendable {
    /// The pair's number.
    let pair: Int
    /// The positions at which they do.
    let positions: Range<Int>
    let parts: [(hook: HookPoint, part: Part)]

    /// What of an activation.
    enum Part: Sendable {
        /// These of its numbers: all, a head's, neurons'.
        case columns([Range<Int>])
        /// Latents of a dictionary that writes there: x + Σ (z' − z) d, where z' is the other run's. What the dictionary does
        /// not explain stays as it is. - members: nil for all latents.
        case latents(LatentDifferences, members: Set<Int>?)
    }
}

/// How the latents of a dictionary differ between the two runs.
struct LatentDifferences: Sendable {
    let dictionary: SparseDictionary
    /// z' − z of each row, of latents that are active in either run, ascending by latent.
    let rows: [[(latent: Int, value: Float)]]

    /// - base, source: what the dictionary reads in either run, [rows, width].
    init(_ placed: PlacedDictionary, base: Tensor, source: Tensor, workers: Workers) {
        dictionary = placed.dictionary
        let codes = [base, source].map { placed.encode($0, workers: workers) }
        rows = (0..<base.rowCount).map { codes[1].differences(from: codes[0], row: $0) }
    }
}

extension Patch {
    /// Changes one row where a part says.
    /// - x: the activation of the run that is patched, changed in place. source: the other run's. row: its number there.
    static func apply(_ part: Part, to x: UnsafeMutablePointer<Float>, from source: Tensor, row: Int) {
        switch part {
        case .columns(let ranges):
            for range in ranges {
                (x + range.lowerBound).update(from: source[row] + range.lowerBound, count: range.count)
            }
        case .latents(let differences, let members):
            let decoder = differences.dictionary.decoder
            for (latent, difference) in differences.rows[row] where members?.contains(latent) ?? true {
                let direction = decoder[latent]
                for c in 0..<decoder.rowWidth { x[c] += difference * direction[c] }
            }
        }
    }
}
