import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// Numbers that say something of an activation, each with a direction along which it is written back:
///
///     c = read(x)        y' = y + Σᵢ (c'ᵢ − cᵢ) wᵢ
///
/// What they do not say stays as it is, a dictionary's error term among it, and where c' is c no bit changes.
public enum Coordinates: Sendable {
    /// Latents' activations; wᵢ are their decoder rows.
    case latents([Int], PlacedDictionary)
    /// Numbers of the activation itself: neurons, or all numbers of a head.
    case axes([Int], HookPoint)
    /// u·x; w is u, of length 1.
    case direction([Float], HookPoint)

    /// Where x is read, and y, the same place but for a transcoder's latents, is written.
    public var reads: HookPoint {
        switch self {
        case .latents(_, let dictionary): dictionary.reads
        case .axes(_, let hook), .direction(_, let hook): hook
        }
    }

    public var writes: HookPoint {
        if case .latents(_, let dictionary) = self { dictionary.writes } else { reads }
    }

    public var count: Int {
        switch self {
        case .latents(let latents, _): latents.count
        case .axes(let axes, _): axes.count
        case .direction: 1
        }
    }

    /// c, [rows, count].
    /// - x: [rows, width where they read].
    func values(of x: Tensor) -> Tensor {
        let values = Tensor(x.rowCount, count)
        switch self {
        case .latents(let latents, let dictionary):
            let columns = Dictionary(latents.enumerated().map { (Int32($1), $0) }) { first, _ in first }
            let codes = dictionary.encode(x)
            for row in 0..<x.rowCount {
                for slot in row * codes.slots..<row * codes.slots + Int(codes.counts[row]) {
                    if let column = columns[codes.indices[slot]] { values[row][column] = codes.values[slot] }
                }
            }
        case .axes(let axes, _):
            for row in 0..<x.rowCount { for (column, axis) in axes.enumerated() { values[row][column] = x[row][axis] } }
        case .direction(let u, _):
            for row in 0..<x.rowCount {
                values[row][0] = u.indices.reduce(0) { $0 + u[$1] * x[row][$1] }
            }
        }
        return values
    }

    /// Writes c' − c of one row.
    /// - change: [count]. y: one row, [width where they write].
    func add(_ change: [Float], to y: UnsafeMutablePointer<Float>) {
        for (column, difference) in change.enumerated() where difference != 0 {
            switch self {
            case .latents(let latents, let dictionary):
                let decoder = dictionary.dictionary.decoder
                let direction = decoder[latents[column]]
                for c in 0..<decoder.rowWidth { y[c] += difference * direction[c] }
            case .axes(let axes, _): y[axes[column]] += difference
            case .direction(let u, _): for c in u.indices { y[c] += difference * u[c] }
            }
        }
    }
}

extension Coordinates {
    /// Heads of a layer: the numbers at `heads(layer:)` that are theirs.
    static func heads(_ heads: [Int], layer: Int, of model: TransformerConfiguration) -> Coordinates {
        .axes(heads.flatMap { $0 * model.headWidth..<($0 + 1) * model.headWidth }, .heads(layer: layer))
    }
}
