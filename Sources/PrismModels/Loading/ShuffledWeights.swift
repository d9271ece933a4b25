import PrismCore
import PrismFormats
import PrismTensor

/// A model's tensors, each with its numbers in an order of chance: a model of the same shape and the same sizes of weights
/// that has learnt nothing, to compare the real one with.
struct ShuffledWeights: WeightSource {
    let original: any WeightSource
    let seed: UInt64

    var names: [String] { original.names }
    func shape(of name: String) -> [Int]? { original.shape(of: name) }

    func tensor(_ name: String, shape: [Int]?) throws -> Tensor {
        let result = try original.tensor(name, shape: shape).copy()
        var generator = SeededGenerator(seed: seed, stream: "shuffled \(name)")
        var numbers = UnsafeMutableBufferPointer(start: result.data, count: result.count)
        numbers.shuffle(using: &generator)
        return result
    }
}
