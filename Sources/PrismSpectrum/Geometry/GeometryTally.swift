import PrismTensor

/// What is summed of one dictionary's latents in a pass over vectors: with each neuron, and which fire together.
/// Memory is latents × (latents + neurons), whatever the number of vectors.
final class GeometryTally {
    private(set) var moments, neuronMoments: UnitMoments
    /// Σ z x, [latents, neurons].
    let neuronProducts: Tensor
    /// Vectors where both latents are active, [latents, latents]; nil where there are more pairs than `pairLimit`.
    let together: Grid<Int32>?
    private let backend = CPUBackend()

    /// Pairs that a number is kept for: 1 GiB of them, those of 16,384 units.
    static let pairLimit = 1 << 28

    init(latents: Int, neurons: Int) {
        moments = UnitMoments(units: latents)
        neuronMoments = UnitMoments(units: neurons)
        neuronProducts = Tensor(latents, neurons)
        together = latents * latents <= Self.pairLimit ? Grid(latents, latents, of: Int32.self) : nil
    }

    /// - x: the neurons, without a mean so that no digits cancel, [rows, neurons].
    func add(_ latents: UnitResponses, neurons x: Tensor, workers: Workers) {
        moments.add(latents)
        neuronMoments.add(x)
        // A thread takes whole latents and sums each in the order of the rows, so that which thread it is changes no bit.
        workers.forEachRange(moments.sums.count, by: 16) { _, range in
            for latent in range {
                latents.withColumn(latent) { rows, values in
                    let sums = neuronProducts[latent]
                    backend.sumRows(of: x, rows: rows, weights: values.baseAddress!, start: sums, into: sums)
                    guard let counts = together?[latent] else { return }
                    for t in rows { latents.codes.forEachActive(row: Int(t)) { other, _ in counts[other] += 1 } }
                }
            }
        }
    }

    /// Latents that were active at all.
    var live: [Int] { moments.firings.indices.filter { moments.firings[$0] > 0 } }

    /// How two latents fire together; nil where that was not counted.
    func coactivation(_ i: Int, _ j: Int) -> Coactivation? {
        together.map {
            Coactivation(joint: Int($0[i][j]), of: moments.firings[i], moments.firings[j], vectors: moments.rows)
        }
    }
}

/// How often two latents fire on the same vectors.
public struct Coactivation: Codable, Hashable, Sendable {
    /// Vectors where both are active.
    public let joint: Int
    /// P(i, j) / (P(i) P(j)): 1 for latents that know nothing of each other.
    public let lift: Double
    /// Pearson's correlation of "is active" (φ), which unlike the lift does not favour what is rare.
    public let correlation: Double

    /// - i, j: vectors where each of them is active, more than none.
    init(joint: Int, of i: Int, _ j: Int, vectors: Int) {
        let (n, both, i, j) = (Double(vectors), Double(joint), Double(i), Double(j))
        self.joint = joint
        lift = both * n / (i * j)
        let scale = (i * (n - i) * j * (n - j)).squareRoot()
        correlation = scale > 0 ? (both * n - i * j) / scale : 0
    }
}
