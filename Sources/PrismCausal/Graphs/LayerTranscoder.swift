import PrismActivations
import PrismCore
import PrismDictionaries

/// A transcoder at its layer. Its latents read what the MLP reads and stand for what the MLP adds to the residual stream; those
/// of a cross-layer transcoder write to later layers too.
public struct LayerTranscoder: Sendable {
    /// What the user calls it.
    public let name: String
    public let dictionary: SparseDictionary
    /// Where an encoder row is read.
    public let reads: HookPoint
    /// The layers whose MLP outputs stand side by side in a decoder row.
    public let writes: Range<Int>
    /// Tells the vectors that it was not trained on, and says nothing of.
    let sinks: SinkFilter?

    /// The layer that it reads.
    public var layer: Int { writes.lowerBound }

    /// - placed: what reads an MLP's input, or the residual stream before it, and writes that MLP's output.
    /// - Throws: `PrismError.usage` for other hook points, and for latents that are no linear function of what they read.
    public init(_ placed: PlacedDictionary) throws {
        try self.init(
            name: placed.name, placed.dictionary, reads: placed.reads, writes: [placed.writes], sinks: placed.sinks)
    }

    private init(
        name: String, _ dictionary: SparseDictionary, reads: HookPoint, writes: [HookPoint], sinks: SinkFilter?
    ) throws {
        let layer = reads.layer ?? 0
        guard [.mlpIn(layer: layer), .residualMid(layer: layer)].contains(reads), !writes.isEmpty,
            writes.enumerated().allSatisfy({ $1 == .mlpOut(layer: layer + $0) })
        else {
            throw PrismError.usage(
                "\(name) reads \(reads) and writes \(writes.map(\.name).joined(separator: " + ")); a graph is made of transcoders, which read blocks.L.mlp.hook_in and write blocks.L.hook_mlp_out"
            )
        }
        let isLinear =
            switch dictionary.activation {
            case .relu, .jumpReLU, .topK: !dictionary.standardisesInput
            case .gated, .matchingPursuit: false
            }
        guard isLinear else {
            throw PrismError.usage(
                "\(name): its active latents are no linear function of what they read; take a ReLU, JumpReLU or TopK transcoder"
            )
        }
        (self.name, self.dictionary, self.reads, self.sinks) = (name, dictionary, reads, sinks)
        self.writes = layer..<layer + writes.count
    }

    /// The layers of a cross-layer transcoder, at the hook points that its files name. - name: what the user calls it.
    /// - Throws: `PrismError.usage` as for one layer, and for hook points that there are not.
    public static func layers(of transcoder: CrossLayerTranscoder, name: String) throws -> [LayerTranscoder] {
        let hooks = transcoder.configuration
        func hook(_ name: String?, _ usual: String, _ layer: Int) throws -> HookPoint {
            try HookPoint("blocks.\(layer).\(name ?? usual)")
        }
        return try transcoder.layers.enumerated().map { layer, dictionary in
            try LayerTranscoder(
                name: name, dictionary, reads: hook(hooks?.inputHook, "mlp.hook_in", layer),
                writes: (layer..<transcoder.layers.count).map { try hook(hooks?.outputHook, "hook_mlp_out", $0) },
                sinks: nil)
        }
    }

    /// What is not part of Σₛ e·xₛ in a latent's pre-activation e·(x − b_in) + b_enc.
    func constant(of latent: Int) -> Float {
        let (encoder, bias) = (dictionary.encoder, dictionary.decoderBias)
        let centre = (0..<(dictionary.centresInput ? encoder.rowWidth : 0)).reduce(Float(0)) {
            $0 + encoder[latent][$1] * bias.data[$1]
        }
        return dictionary.encoderBias.data[latent] - centre
    }
}
