import PrismCore
import PrismDictionaries
import PrismCausal
import PrismModels
import PrismTensor

/// Weights written by hand into a transformer whose residual stream is parted into named subspaces.
///
/// Its norms are the identity to the last bit: ε = 2⁴⁰ drowns every mean square below 2¹⁶, and weights of 2²⁰ undo √ε. So
/// what is not attention or ReLU is linear, and true effects are known in closed form.
struct HandWeights {
    private(set) var configuration: TransformerConfiguration
    private var weights: [WeightName: Tensor] = [:]
    private let subspaces: [String: Range<Int>]

    /// - subspaces: of the residual stream, with their widths.
    init(
        subspaces: KeyValuePairs<String, Int>, vocabulary: Int, positions: Int, layers: Int, heads: Int = 1,
        headWidth: Int = 2, neurons: Int = 1
    ) {
        var ranges: [String: Range<Int>] = [:]
        var end = 0
        for (name, width) in subspaces {
            ranges[name] = end..<end + width
            end += width
        }
        self.subspaces = ranges
        configuration = TransformerConfiguration(
            family: "gpt2", width: end, layerCount: layers, headCount: heads, keyValueHeadCount: heads,
            headWidth: headWidth, mlpWidth: neurons, vocabularySize: vocabulary, contextLength: positions,
            normEpsilon: 0x1p40, rotaryWidth: 0)
        configuration.isGated = false
        configuration.activation = .relu
        configuration.mlpBias = true
        configuration.attentionScale = 1
    }

    var model: Transformer {
        Transformer(configuration, backend: CPUBackend()) { name in
            if let written = weights[name] { return written.copy() }
            let blank = Tensor(shape: configuration.shape(of: name)!)
            if name.part.isNorm { blank.fill(0x1p20) }
            return blank
        }
    }

    /// Adds to one number of a weight; rows are outputs, but of the embeddings tokens or positions.
    mutating func add(
        _ value: Float, _ part: WeightName.Part, layer: Int? = nil, bias: Bool = false, row: Int, column: Int = 0
    ) {
        let name = WeightName(part, layer: layer, isBias: bias)
        let tensor = weights[name] ?? Tensor(shape: configuration.shape(of: name)!)
        tensor[row][column] += value
        weights[name] = tensor
    }

    /// The column of the residual stream that holds a subspace's number.
    func column(_ subspace: String, _ index: Int) -> Int { subspaces[subspace]!.lowerBound + index }

    /// Lets a part of a head read a number of the residual stream into one of its own.
    mutating func read(
        _ part: WeightName.Part, layer: Int, head: Int, into slot: Int, from subspace: String, _ index: Int,
        scale: Float = 1
    ) {
        let row = head * configuration.headWidth + slot
        add(scale, part, layer: layer, row: row, column: column(subspace, index))
    }

    /// Lets a head write one of its numbers into the residual stream.
    mutating func write(layer: Int, head: Int, from slot: Int, to subspace: String, _ index: Int) {
        add(
            1, .attentionOut, layer: layer, row: column(subspace, index), column: head * configuration.headWidth + slot)
    }

    /// A dictionary of a hook point whose latents are the subspaces' numbers, in this order: the true features.
    func dictionary(at hook: HookPoint, _ names: String...) -> PlacedDictionary {
        let columns = names.flatMap { Array(subspaces[$0]!) }
        let directions = Tensor(columns.count, configuration.width)
        for (latent, column) in columns.enumerated() { directions[latent][column] = 1 }
        let dictionary = SparseDictionary(
            encoder: directions, encoderBias: Tensor(columns.count), decoder: directions,
            decoderBias: Tensor(configuration.width), activation: .relu)
        return try! PlacedDictionary(name: names.joined(separator: " "), dictionary, reads: hook, writes: hook)
    }
}
