import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// A dictionary of dictionary_learning (Marks, Karvonen, Mueller): a trainer's folder.
///
///     config.json    trainer.dict_class, activation_dim = d, dict_size = F, k; lm_name, submodule_name; buffer.ctx_len
///     ae.pt          the class's state dictionary:
///
///     AutoEncoder               encoder.weight [F, d], encoder.bias, decoder.weight [d, F], bias [d]: ReLU (W (x − b) + b_e)
///     AutoEncoderNew            … and decoder.bias [d] instead of bias, which is not subtracted
///     GatedAutoEncoder          encoder.weight, r_mag, gate_bias, mag_bias, decoder.weight, decoder_bias
///     AutoEncoderTopK           encoder.*, decoder.weight, b_dec, k, threshold (not used: each row keeps its k largest)
///     BatchTopKSAE              the same; in use a JumpReLU with that threshold
///     MatryoshkaBatchTopKSAE    the same as W_enc [d, F], b_enc, W_dec [F, d], b_dec, k, threshold, group_sizes
///     JumpReluAutoEncoder       W_enc, b_enc, W_dec, b_dec, threshold [F]; b_dec is not subtracted
///
/// Latents are those of the class; its `from_pretrained` may rescale an AutoEncoder's afterwards to decoder rows of norm 1.
struct DictionaryLearningFormat: DictionaryFormat {
    enum Class: String, CaseIterable {
        case standard = "AutoEncoder"
        case april = "AutoEncoderNew"
        case gated = "GatedAutoEncoder"
        case topK = "AutoEncoderTopK"
        case batchTopK = "BatchTopKSAE"
        case matryoshka = "MatryoshkaBatchTopKSAE"
        case jumpReLU = "JumpReluAutoEncoder"

        /// Names of: the encoder, its bias, the decoder, its bias.
        var names: (encoder: String, encoderBias: String, decoder: String, decoderBias: String) {
            switch self {
            case .standard: ("encoder.weight", "encoder.bias", "decoder.weight", "bias")
            case .april: ("encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias")
            case .gated: ("encoder.weight", "gate_bias", "decoder.weight", "decoder_bias")
            case .topK, .batchTopK: ("encoder.weight", "encoder.bias", "decoder.weight", "b_dec")
            case .matryoshka, .jumpReLU: ("W_enc", "b_enc", "W_dec", "b_dec")
            }
        }

        /// Whether the matrices are those of linear layers, [outputs, inputs]; else they multiply from the right.
        var hasLayers: Bool { names.encoder == "encoder.weight" }
        var isCentred: Bool { self != .april && self != .jumpReLU }
    }

    let name = "dictionary-learning"
    let configurationName: String? = "config.json"
    let weightsName = "ae.pt"
    let marks = "config.json with ‘trainer.dict_class’ beside ae.pt"
    let limits = FormatLimits(activations: [.relu, .gated, .topK, .jumpReLU])

    func recognises(_ files: DictionaryFiles) -> Bool {
        files.configuration(configurationName)?["trainer.dict_class"] != nil
    }

    // MARK: Reading

    func read(_ files: DictionaryFiles) throws -> (dictionary: SparseDictionary, metadata: SAELensMetadata) {
        let json = try files.requiredConfiguration("config.json")
        let kind = try json.oneOf(
            "trainer.dict_class", [String: Class](uniqueKeysWithValues: Class.allCases.map { ($0.rawValue, $0) }),
            "Prism reads no other class of dictionary_learning's")
        let (d, F) = (try json.positive("trainer.activation_dim"), try json.positive("trainer.dict_size"))
        let (names, layers) = (kind.names, kind.hasLayers)
        var shapes = [
            names.encoder: layers ? [F, d] : [d, F], names.encoderBias: [F], names.decoder: layers ? [d, F] : [F, d],
            names.decoderBias: [d],
        ]
        var optional: [String: [Int]] = [:]
        let file = try files.requiredWeights(weightsName)
        switch kind {
        case .standard, .april: break
        case .gated: shapes.merge(["r_mag": [F], "mag_bias": [F]]) { $1 }
        case .topK: optional = ["k": [], "threshold": []]
        case .batchTopK: shapes.merge(["k": [], "threshold": []]) { $1 }
        case .matryoshka:
            let groups = try file.dimension(0, of: "group_sizes", rank: 1)
            shapes.merge(["k": [], "threshold": [], "group_sizes": [groups]]) { $1 }
        case .jumpReLU: shapes["threshold"] = [F]
        }
        let tensors = try StrictTensors(file, kind: kind.rawValue, shapes, optional: optional)
        var k = 0
        if [.topK, .batchTopK, .matryoshka].contains(kind) {
            k = try json.positive("trainer.k", atMost: F)
            if tensors.has("k"), try tensors.integers("k") != [k] {
                throw json.file.problem(
                    "key ‘trainer.k’ is \(k), but \(weightsName) holds \(try tensors.integers("k")[0])",
                    remedy: "find out which is right")
            }
        }
        // Before anything is made as large as the configuration says.
        let (encoder, decoder) = (try tensors(names.encoder), try tensors(names.decoder))
        let activation: LatentActivation =
            switch kind {
            case .standard, .april: .relu
            case .gated: .gated(logScale: try tensors("r_mag"), bias: try tensors("mag_bias"))
            case .topK: .topK(k)
            case .batchTopK, .matryoshka: try constantThreshold(tensors, F)
            case .jumpReLU: .rectified(thresholds: try tensors("threshold"))
            }
        let dictionary = SparseDictionary(
            encoder: layers ? encoder : encoder.transposed(), encoderBias: try tensors(names.encoderBias),
            decoder: layers ? decoder.transposed() : decoder, decoderBias: try tensors(names.decoderBias),
            activation: activation, centresInput: kind.isCentred)
        let metadata = SAELensMetadata(
            modelName: json["trainer.lm_name"]?.string, hookName: json["trainer.submodule_name"]?.string,
            contextSize: json["buffer.ctx_len"]?.integer)
        return (dictionary, metadata)
    }

    private func constantThreshold(_ tensors: StrictTensors, _ latents: Int) throws -> LatentActivation {
        let threshold = try tensors("threshold").values[0]
        guard threshold >= 0 else {
            throw PrismError.badData(
                "\(tensors.file.path): tensor ‘threshold’ is \(threshold), which means that training never set it, "
                    + "expected 0 or more; train longer than the threshold's start")
        }
        return .jumpReLU(thresholds: Tensor(shape: [latents], [Float](repeating: threshold, count: latents)))
    }

    // MARK: Writing

    func write(_ source: SparseDictionary, _ metadata: SAELensMetadata, to url: URL) throws {
        let kind: Class =
            switch source.activation {
            case .relu: source.centresInput ? .standard : .april
            case .gated: .gated
            case .topK: .topK
            case .jumpReLU: .jumpReLU
            case .matchingPursuit: preconditionFailure("refused by `limits`")
            }
        let dictionary = source.centred(kind.isCentred)
        let (names, layers) = (kind.names, kind.hasLayers)
        var members: [(String, TorchWriter.Value)] = [
            (names.encoder, .tensor(layers ? dictionary.encoder : dictionary.encoder.transposed())),
            (names.encoderBias, .tensor(dictionary.encoderBias)),
            (names.decoder, .tensor(layers ? dictionary.decoder.transposed() : dictionary.decoder)),
            (names.decoderBias, .tensor(dictionary.decoderBias)),
        ]
        switch dictionary.activation {
        case .relu, .matchingPursuit: break
        case .gated(let logScale, let bias): members += [("r_mag", .tensor(logScale)), ("mag_bias", .tensor(bias))]
        case .topK(let k):
            members += [("k", .integers([Int64(k)], shape: [])), ("threshold", .tensor(Tensor(shape: [], [-1])))]
        case .jumpReLU(let thresholds): members.append(("threshold", .tensor(thresholds)))
        }
        let trainer = WrittenConfiguration.Trainer(
            dictClass: kind.rawValue, activationDim: dictionary.width, dictSize: dictionary.latentCount,
            k: dictionary.activation.k, lmName: metadata.modelName, submoduleName: metadata.hookName)
        let configuration = WrittenConfiguration(trainer: trainer, buffer: .init(ctxLen: metadata.contextSize))
        try FolderWriter(configuration: "config.json", weights: weightsName).write(to: url, configuration) {
            try TorchWriter.write(members, to: $0.appending(path: weightsName))
        }
    }

    /// `config.json`; the keys are these names in snake case.
    private struct WrittenConfiguration: Encodable {
        struct Trainer: Encodable {
            let dictClass: String
            let activationDim, dictSize: Int
            let k: Int?
            let lmName, submoduleName: String?
        }
        struct Buffer: Encodable {
            let ctxLen: Int?
        }
        let trainer: Trainer
        let buffer: Buffer
    }
}
