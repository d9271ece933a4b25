import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// One layer of a set of transcoders as circuit-tracer keeps it (`SingleLayerTranscoder.to_safetensors`): a file.
///
///     layer_<i>.safetensors    W_enc [F, d], W_dec [F, d], b_enc [F], b_dec [d]; of JumpReLU activation_function.threshold
///                              [F], else ReLU; W_skip [d, d] maps x to W_skip x
///
/// W_enc is transposed against SAELens's: a square one is read as this table says. b_dec is not subtracted from the input.
/// The set's config.yaml names the files and may ask for another activation, which is refused. Transcoders that write to
/// several layers are `CrossLayerFiles`.
struct CircuitTracerFormat: DictionaryFormat {
    let name = "circuit-tracer"
    let configurationName: String? = nil
    let weightsName = "transcoder.safetensors"
    let marks = "a safetensors file with ‘W_enc’ [latents, width] and no cfg.json beside it"
    let limits = FormatLimits(activations: [.relu, .jumpReLU], skips: true)
    private static let threshold = "activation_function.threshold"

    func recognises(_ files: DictionaryFiles) -> Bool {
        guard let file = files.weights(weightsName) as? SafetensorsFile else { return false }
        return file.shape(of: "W_enc") != nil && files.configuration(SAELensConfiguration.name) == nil
    }

    func read(_ files: DictionaryFiles) throws -> (dictionary: SparseDictionary, metadata: SAELensMetadata) {
        _ = try CircuitTracerConfiguration(of: files.folder)
        let file = try files.requiredWeights(weightsName)
        let (F, d) = (try file.dimension(0, of: "b_enc", rank: 1), try file.dimension(0, of: "b_dec", rank: 1))
        let tensors = try StrictTensors(
            file, kind: name, ["W_enc": [F, d], "W_dec": [F, d], "b_enc": [F], "b_dec": [d]],
            optional: [Self.threshold: [F], "W_skip": [d, d]])
        let dictionary = SparseDictionary(
            encoder: try tensors("W_enc"), encoderBias: try tensors("b_enc"), decoder: try tensors("W_dec"),
            decoderBias: try tensors("b_dec"),
            activation: tensors.has(Self.threshold) ? .jumpReLU(thresholds: try tensors(Self.threshold)) : .relu,
            centresInput: false, skip: tensors.has("W_skip") ? try tensors("W_skip") : nil)
        return (dictionary, SAELensMetadata())
    }

    /// What to say where one dictionary was asked for and `url` is several of circuit-tracer's; nil where it is not.
    static func refusalOfSeveral(at url: URL) -> PrismError? {
        if CrossLayerFiles.exist(in: url) {
            return .usage(
                "\(url.path) is a cross-layer transcoder, whose latents write to several layers; "
                    + "only `prism convert --to circuit-tracer` and `prism encode` take it")
        }
        if CrossLayerFiles.isName(url.lastPathComponent) {
            return .usage("\(url.path) is one of a cross-layer transcoder's files; name its folder")
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        guard let first = names.filter({ $0.hasPrefix("layer_") && $0.hasSuffix(".safetensors") }).min() else {
            return nil
        }
        return .usage(
            "\(url.path) is a set of transcoders, a file for each layer; "
                + "name one of the files, for example \(url.appending(path: first).path)")
    }

    func write(_ source: SparseDictionary, _ metadata: SAELensMetadata, to url: URL) throws {
        let dictionary = source.centred(false)
        var weights = SafetensorsWriter()
        weights.add("W_enc", dictionary.encoder)
        weights.add("W_dec", dictionary.decoder)
        weights.add("b_enc", dictionary.encoderBias)
        weights.add("b_dec", dictionary.decoderBias)
        if case .jumpReLU(let thresholds) = dictionary.activation { weights.add(Self.threshold, thresholds) }
        if let skip = dictionary.skip { weights.add("W_skip", skip) }
        try weights.write(to: url)
    }
}
