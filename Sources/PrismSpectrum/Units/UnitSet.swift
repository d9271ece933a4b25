import PrismCore
import PrismDictionaries
import PrismTensor

/// Units to be placed between polysemantic and monosemantic: functions of an activation vector that are above zero where the
/// unit responds.
///
///     a latent:       r(x) = z(x), its activation
///     a direction u:  r(x) = |u·x − c|, c the median of u·x over a sample
///
/// A neuron is the direction of its own axis. Of a direction both signs carry meaning, so that one which says Arabic by its
/// positive and digits by its negative side means two things; a constant offset carries none.
public struct UnitSet: Sendable {
    /// As people call them, for example "neurons".
    public let name: String
    /// Whether they stand beside the others for comparison, as what chance gives.
    public let isControl: Bool
    /// Whether concepts are looked up at the wrong contexts, which shows what chance makes of these very responses.
    public let permutesLabels: Bool
    public let count: Int
    /// The name of the set whose responses these are: its own, if labels are not permuted.
    let origin: String
    private let response: Response

    private enum Response: Sendable {
        case latents(SparseDictionary)
        /// directions: [units, width], nil for the axes; centres: [units].
        case directions(Tensor?, centres: Tensor)
    }

    /// Whether these are a dictionary's latents.
    package var areLatents: Bool {
        if case .latents = response { true } else { false }
    }

    /// A dictionary's latents.
    public init(_ name: String, _ dictionary: SparseDictionary, isControl: Bool = false) {
        self.init(name, isControl, false, dictionary.latentCount, .latents(dictionary))
    }

    /// Directions; nil for the axes of the space.
    /// - directions: [units, width]. sample: vectors to find the medians in, [rows, width].
    public init(_ name: String, directions: Tensor?, sample: Tensor, isControl: Bool = false) {
        let count = directions?.rowCount ?? sample.rowWidth
        let answers = directions.map { Self.products(sample, $0) } ?? sample
        let centres = Tensor(count)
        for unit in 0..<count {
            var column = (0..<answers.rowCount).map { answers[$0][unit] }
            column.sort()
            centres.data[unit] = column.isEmpty ? 0 : column[column.count / 2]
        }
        self.init(name, isControl, false, count, .directions(directions, centres: centres))
    }

    /// The directions of greatest variance in a sample, all of them.
    public static func principalComponents(of sample: Tensor, workers: Workers) -> UnitSet {
        UnitSet(
            "principal components", directions: sample.principalDirections(workers: workers).tensor, sample: sample)
    }

    private init(
        _ name: String, _ isControl: Bool, _ permutesLabels: Bool, _ count: Int, _ response: Response,
        origin: String? = nil
    ) {
        self.name = name
        self.isControl = isControl
        self.permutesLabels = permutesLabels
        self.count = count
        self.origin = origin ?? name
        self.response = response
    }

    /// The same units beside labels that belong to other contexts: any agreement that is left is chance.
    public var withPermutedLabels: UnitSet {
        UnitSet("\(name), permuted labels", true, true, count, response, origin: name)
    }

    /// What each unit gives.
    /// - x: activations, [rows, width].
    func responses(to x: Tensor, workers: Workers) -> UnitResponses {
        switch response {
        case .latents(let dictionary): return UnitResponses(dictionary, x, workers: workers)
        case .directions(let directions, let centres):
            let answers = Tensor(count, x.rowCount)
            workers.forEachRange(count, by: 64) { _, range in
                if let directions {
                    CPUBackend().multiply(directions.rows(range), by: x, transposed: true, into: answers.rows(range))
                }
                for unit in range {
                    let (answer, centre) = (answers[unit], centres.data[unit])
                    if directions == nil { for t in 0..<x.rowCount { answer[t] = x[t][unit] } }
                    for t in 0..<x.rowCount { answer[t] = abs(answer[t] - centre) }
                }
            }
            return UnitResponses(dense: answers)
        }
    }

    /// Takes a unit away from vectors, [rows, width]: z d of a latent, of a direction what differs from its median.
    /// - responses: of the unit to each vector.
    func remove(_ unit: Int, _ responses: [Float], from y: Tensor) {
        switch response {
        case .latents(let dictionary):
            let direction = dictionary.decoder[unit]
            for t in 0..<y.rowCount where responses[t] != 0 {
                for c in 0..<y.rowWidth { y[t][c] -= responses[t] * direction[c] }
            }
        case .directions(let directions, let centres):
            let centre = centres.data[unit]
            for t in 0..<y.rowCount {
                guard let direction = directions?[unit] else {
                    y[t][unit] = centre
                    continue
                }
                let excess = (0..<y.rowWidth).reduce(-centre) { $0 + direction[$1] * y[t][$1] }
                for c in 0..<y.rowWidth { y[t][c] -= excess * direction[c] }
            }
        }
    }

    private static func products(_ x: Tensor, _ directions: Tensor) -> Tensor {
        let result = Tensor(x.rowCount, directions.rowCount)
        CPUBackend().multiply(x, by: directions, transposed: true, into: result)
        return result
    }
}

extension Tensor {
    /// The directions of greatest variance of the rows, two or more, in that order, [width, width].
    func principalDirections(workers: Workers) -> DoubleMatrix {
        var moments = ActivationMoments(width: rowWidth)
        moments.add(self, workers: workers)
        return moments.covariance.symmetricEigen().vectors
    }
}
